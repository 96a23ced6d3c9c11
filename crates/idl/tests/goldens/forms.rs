//! Every form of a parameter, of a result and of a derived type.

use std::string::String as Text;

/// The author's own, with one parameter: generated code must not mean this one.
pub type Result<T> = std::result::Result<T, Text>;

/// A point, without names.
#[derive(Debug, Clone, Copy, Default, PartialEq, nearcall::Wire)]
pub struct Point(pub f32, pub f32);

/// Longer than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub struct Block {
    /// Bytes.
    pub bytes: [u8; 64],
}

/// Has parts that vary.
#[derive(Debug, Clone, Default, PartialEq, Eq, nearcall::Wire)]
pub struct Entry {
    /// Named by a keyword.
    pub r#type: u8,
    /// Text.
    pub name: Text,
    /// Numbers.
    pub numbers: Vec<u16>,
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, nearcall::Wire)]
pub struct Nothing;

/// In one signed byte.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, nearcall::Wire)]
#[repr(i8)]
pub enum Turn {
    /// Left.
    Left = -1,
    /// Straight on.
    #[default]
    Straight,
    /// Right.
    Right,
}

/// Without a `repr`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, nearcall::Wire)]
pub enum Colour {
    /// Red.
    Red,
    /// Green.
    Green,
}

/// A sum of fixed parts, so fixed.
#[derive(Debug, Clone, Copy, Default, PartialEq, nearcall::Wire)]
#[repr(u8)]
pub enum Figure {
    /// Nothing.
    #[default]
    Empty,
    /// A circle.
    Circle {
        /// Its centre.
        centre: Point,
        /// Its radius.
        radius: f32,
    } = 4,
    /// A line.
    Line(Point, Point),
}

/// Contains itself.
#[derive(Debug, Clone, PartialEq, nearcall::Wire)]
pub enum Tree {
    /// An end.
    Leaf(Text),
    /// Goes on.
    Node {
        /// What it shows.
        figure: Option<Figure>,
        /// Where it goes.
        children: Vec<Self>,
    },
}

/// Has a part without a fixed shape.
#[derive(Debug, Clone, PartialEq, nearcall::Wire)]
pub struct Forest {
    /// A number.
    pub id: u32,
    /// Trees.
    pub trees: Vec<Tree>,
    /// One more.
    pub last: Box<Tree>,
}

/// All forms.
#[nearcall::interface]
pub trait Forms: Send + Sync + 'static {
    /// Nothing either way.
    fn nothing(&self);
    /// A value in.
    fn value(&self, x: u64);
    /// A reference in.
    fn by_ref(&self, block: &Block) -> u32;
    /// Exactly a line.
    fn line(&self, a: u128, b: u128, c: u64) -> Turn;
    /// Varying in, by value and by reference, with a keyword for a name.
    fn varying(&self, r#type: Text, entry: &Entry, numbers: Vec<u16>) -> Entry;
    /// Bytes.
    fn bytes(&self, data: &[u8]) -> u64;
    /// In-out before in.
    fn in_out(&self, point: &mut Point, by: Point);
    /// In-out bytes.
    fn reverse(&self, data: &mut [u8]);
    /// Out.
    fn out(&self, #[out] turn: &mut Turn, #[out] point: &mut Point) -> bool;
    /// All of the buffer.
    fn fill(&self, #[out] buf: &mut [u8], with: u8);
    /// Several slices, and everything else.
    #[call(timeout = "none")]
    #[allow(clippy::too_many_arguments, reason = "all of them")]
    fn all(
        &self,
        a: u8,
        text: &str,
        #[out(len = return)] first: &mut [u8],
        colour: Colour,
        count: &mut u32,
        scratch: &mut [u8],
        #[out] second: &mut [u8],
        #[out] turn: &mut Turn,
    ) -> std::result::Result<u64, Text>;
    /// Nothing, or an error.
    #[call(timeout = "250us", concurrency = 64, handoff)]
    fn nothing_or(&self, nothing: Nothing) -> std::result::Result<(), Colour>;
    /// An error that is bigger than the value.
    fn small_or(&self) -> std::result::Result<u8, [u64; 6]>;
    /// More bytes than a line holds, exactly.
    fn block(&self, block: Block, n: u8) -> Block;
    /// Slices of numbers, all ways.
    fn numbers(&self, a: &[u32], b: &mut [f64], #[out] c: &mut [u64], #[out(len = return)] d: &mut [i16]) -> u32;
    /// Fixed sums and tuples.
    fn sums(&self, figure: &mut Figure, option: Option<u16>) -> (u8, Option<Point>);
    /// The conventional path, both ways.
    fn conventional(&self, forest: &Forest, tree: Tree) -> std::result::Result<Forest, Option<Text>>;
    /// Read where the client put it.
    fn in_place(&self, before: u8, #[in_place] data: &[u8], after: &[u8]) -> u64;
    /// By serde's traits.
    #[serde(return, error)]
    fn by_serde(
        &self,
        #[serde] a: std::collections::BTreeMap<Text, u32>,
        #[serde] b: &Option<std::time::Duration>,
        n: u32,
    ) -> std::result::Result<std::time::Duration, Vec<Text>>;
    /// Several results that vary, and a length with a name.
    fn several(
        &self,
        tree: &mut Tree,
        #[max(64)] names: &mut Vec<Text>,
        #[out] text: &mut Text,
        #[out] digest: &mut [u8; 64],
        #[out] count: &mut i32,
        #[out(len = count)] buf: &mut [u8],
    ) -> Vec<u16>;
    /// Nobody waits for it.
    #[call(oneway)]
    fn quietly(&self, x: u64);
    /// Replaced by `value`.
    #[deprecated(note = "use `value`")]
    fn old(&self, r#move: u8) -> u8;
}

/// Not for others.
#[nearcall::interface]
pub(crate) trait Inner {
    /// Says so.
    fn r#do(&self) -> Text;
}
