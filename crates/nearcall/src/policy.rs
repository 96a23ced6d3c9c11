//! Who may bind a name, beyond what the mode of its socket says.
//!
//! Rules are looked at in order, and the first that matches decides. [`Policy::judge`] is a decision over [`Facts`]; where these
//! come from is `identity.rs`. A fact that the kernel does not tell never helps: no rule that allows matches it, and a rule
//! that denies is taken to match.

use std::io;
use std::path::Path;

use crate::identity;

/// Which clients may bind an export. Given to [`crate::Exporter::policy`].
///
/// ```
/// use nearcall::{Policy, Who};
///
/// // The web server's user, but no program of the group `guests`; and nobody else.
/// let policy = Policy::closed().deny(Who::gid(1200)).allow(Who::uid(33));
/// # let _ = policy;
/// ```
///
/// The first rule that matches decides. A client that is refused hears of which kind that rule was, and not more.
///
/// The socket's mode comes first: by default nobody but this user (and root) gets as far as the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Policy {
    rules: Vec<(Verdict, Who)>,
    otherwise: Verdict,
    unmapped_may: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allow,
    Deny,
}

impl Default for Policy {
    fn default() -> Self {
        Self::open()
    }
}

impl Policy {
    /// Whoever no rule is about may bind. Without rules this is the policy of an export that names none.
    pub const fn open() -> Self {
        Self { rules: Vec::new(), otherwise: Verdict::Allow, unmapped_may: false }
    }

    /// Whoever no rule is about may not bind.
    pub const fn closed() -> Self {
        Self { rules: Vec::new(), otherwise: Verdict::Deny, unmapped_may: false }
    }

    /// Adds a rule: these may bind, unless an earlier rule says otherwise.
    pub fn allow(mut self, who: Who) -> Self {
        self.rules.push((Verdict::Allow, who));
        self
    }

    /// Adds a rule: these may not bind, unless an earlier rule says otherwise.
    pub fn deny(mut self, who: Who) -> Self {
        self.rules.push((Verdict::Deny, who));
        self
    }

    /// Lets rules about uids and gids pass over clients whose ids do not exist here, instead of refusing them.
    ///
    /// Clients in other user namespaces may have ids that the kernel shows as the overflow ids (65534 unless
    /// `/proc/sys/kernel/overflowuid` says otherwise): two different users then look the same. No such rule ever matches them,
    /// and by default the first one refuses them. Name them by [`Who::cgroup`] or [`Who::executable`] in an earlier rule.
    pub const fn unmapped_may_pass(mut self) -> Self {
        self.unmapped_may = true;
        self
    }

    /// Decides.
    pub(crate) fn judge(&self, facts: &impl Facts) -> Result<(), Rule> {
        for &(verdict, who) in &self.rules {
            let matches = match facts.are(who) {
                Some(matches) => matches,
                None if who.is_id() && self.unmapped_may => false,
                None if who.is_id() => return Err(who.rule()),
                None => verdict == Verdict::Deny,
            };
            match verdict {
                Verdict::Allow if matches => return Ok(()),
                Verdict::Deny if matches => return Err(who.rule()),
                Verdict::Allow | Verdict::Deny => {}
            }
        }
        if self.otherwise == Verdict::Allow { Ok(()) } else { Err(Rule::Otherwise) }
    }
}

/// Whom a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Who(pub(crate) Is);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Is {
    Uid(u32),
    Gid(u32),
    Cgroup(u64),
    /// Device and inode.
    Executable(u64, u64),
}

impl Who {
    /// Processes with this effective uid when they connected.
    #[must_use]
    pub const fn uid(uid: u32) -> Self {
        Self(Is::Uid(uid))
    }

    /// Processes with this effective gid or supplementary group when they connected.
    #[must_use]
    pub const fn gid(gid: u32) -> Self {
        Self(Is::Gid(gid))
    }

    /// Processes that are in the control group of this directory when they bind; not those of groups below it. Only of the
    /// unified hierarchy (cgroup v2).
    ///
    /// # Errors
    /// What the kernel says of the directory; `InvalidInput` if it is not one of the unified hierarchy.
    pub fn cgroup(dir: impl AsRef<Path>) -> io::Result<Self> {
        identity::cgroup_of_dir(dir.as_ref()).map(|id| Self(Is::Cgroup(id)))
    }

    /// The same, by the group's id: the inode number of its directory.
    #[must_use]
    pub const fn cgroup_id(id: u64) -> Self {
        Self(Is::Cgroup(id))
    }

    /// Processes that execute the file that is at this path now: the same device and inode. A new version that is put in its
    /// place is another file. For a script that is its interpreter.
    ///
    /// The kernel says what a process executes only to those who may trace it: of the same uid, if the client may be dumped,
    /// or with `CAP_SYS_PTRACE`. To others a client has no executable: no rule that allows matches it, every rule that denies
    /// does. And whoever may trace the client, or preload a library into it, is the client as far as this rule can tell.
    ///
    /// # Errors
    /// What the kernel says of the file.
    pub fn executable(path: impl AsRef<Path>) -> io::Result<Self> {
        identity::file(path.as_ref())
            .map(|(device, inode)| Self(Is::Executable(device, inode)))
            .map_err(io::Error::from)
    }

    const fn is_id(self) -> bool {
        matches!(self.0, Is::Uid(_) | Is::Gid(_))
    }

    const fn rule(self) -> Rule {
        match self.0 {
            Is::Uid(_) => Rule::Uid,
            Is::Gid(_) => Rule::Gid,
            Is::Cgroup(_) => Rule::Cgroup,
            Is::Executable(..) => Rule::Executable,
        }
    }
}

/// What is known of a client.
pub(crate) trait Facts {
    /// Whether the client is one of these; `None` if that cannot be known.
    fn are(&self, who: Who) -> Option<bool>;
}

/// What refused a client: the kind of a rule, and nothing that tells the rest of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    Uid,
    Gid,
    Cgroup,
    Executable,
    /// No rule matched.
    Otherwise,
    /// The process that connected is not the one that speaks.
    HandedOn,
}

impl Rule {
    const ALL: [Self; 6] = [Self::Uid, Self::Gid, Self::Cgroup, Self::Executable, Self::Otherwise, Self::HandedOn];

    /// As a byte of a message.
    pub(crate) fn to_byte(self) -> u8 {
        let at = Self::ALL.iter().position(|&rule| rule == self);
        at.and_then(|at| u8::try_from(at).ok()).unwrap_or(u8::MAX)
    }

    pub(crate) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Uid => "a rule of its policy about uids",
            Self::Gid => "a rule of its policy about groups",
            Self::Cgroup => "a rule of its policy about control groups",
            Self::Executable => "a rule of its policy about executables",
            Self::Otherwise => "no rule of its policy allows it",
            Self::HandedOn => "the process that connected is not the one that binds",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a client is; `None` for what the kernel does not tell.
    struct Client {
        uid: Option<u32>,
        gids: Option<Vec<u32>>,
        cgroup: Option<u64>,
        executable: Option<(u64, u64)>,
    }

    impl Facts for Client {
        fn are(&self, who: Who) -> Option<bool> {
            match who.0 {
                Is::Uid(uid) => self.uid.map(|own| own == uid),
                Is::Gid(gid) => self.gids.as_ref().map(|own| own.contains(&gid)),
                Is::Cgroup(id) => self.cgroup.map(|own| own == id),
                Is::Executable(device, inode) => self.executable.map(|own| own == (device, inode)),
            }
        }
    }

    fn client() -> Client {
        Client { uid: Some(7), gids: Some(vec![70, 71]), cgroup: Some(5), executable: Some((1, 2)) }
    }

    fn all() -> [Who; 4] {
        [Who::uid(7), Who::gid(71), Who::cgroup_id(5), Who(Is::Executable(1, 2))]
    }

    #[test]
    fn the_first_match_decides() {
        assert_eq!(Policy::open().judge(&client()), Ok(()));
        assert_eq!(Policy::closed().judge(&client()), Err(Rule::Otherwise));
        for who in all() {
            assert_eq!(Policy::closed().allow(who).judge(&client()), Ok(()));
            assert_eq!(Policy::closed().allow(who).deny(who).judge(&client()), Ok(()));
            assert_eq!(Policy::open().deny(who).judge(&client()), Err(who.rule()));
            assert_eq!(Policy::open().deny(who).allow(who).judge(&client()), Err(who.rule()));
        }
        for other in [Who::uid(8), Who::gid(7), Who::cgroup_id(6), Who(Is::Executable(2, 1))] {
            assert_eq!(Policy::closed().allow(other).judge(&client()), Err(Rule::Otherwise));
            assert_eq!(Policy::open().deny(other).judge(&client()), Ok(()));
        }
    }

    #[test]
    fn what_is_not_known_never_helps() {
        let unknown = Client { uid: None, gids: None, cgroup: None, executable: None };
        for who in all() {
            assert_eq!(Policy::open().deny(who).judge(&unknown), Err(who.rule()));
            let allowed = Policy::closed().allow(who).judge(&unknown);
            assert_eq!(allowed, Err(if who.is_id() { who.rule() } else { Rule::Otherwise }));
        }
    }

    #[test]
    fn unmapped_ids_are_refused_by_rules_about_ids_unless_told_otherwise() {
        let unmapped = Client { uid: None, gids: None, ..client() };
        let by_uid = Policy::open().allow(Who::uid(65534));
        assert_eq!(by_uid.judge(&unmapped), Err(Rule::Uid), "an id that nobody has matches nothing");
        assert_eq!(by_uid.clone().unmapped_may_pass().judge(&unmapped), Ok(()));
        assert_eq!(Policy::closed().allow(Who::uid(65534)).unmapped_may_pass().judge(&unmapped), Err(Rule::Otherwise));
        assert_eq!(Policy::closed().allow(Who::cgroup_id(5)).deny(Who::uid(1)).judge(&unmapped), Ok(()));
        assert_eq!(Policy::open().judge(&unmapped), Ok(()), "no rule is about ids");
    }

    #[test]
    fn rules_come_back_from_bytes() {
        for rule in Rule::ALL {
            assert_eq!(Rule::from_byte(rule.to_byte()), Some(rule));
        }
        assert_eq!(Rule::from_byte(6), None);
    }
}
