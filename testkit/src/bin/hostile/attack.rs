//! `hostile client NAME`: every lie of a client, with an innocent process beside it.

use nearcall_testkit::lies::client::{self, Attack, soak};
use nearcall_testkit::lies::tell;
use nearcall_testkit::random::Random;

use crate::Options;
use crate::innocent::Innocent;

/// Liars in the soak.
const LIARS: u32 = 4;

/// Whether the victim took all of it well.
pub(crate) fn run(options: &Options, procedures: &[String]) -> Result<bool, String> {
    let mut random = Random::new(options.seed());
    let lies = options.among(client::all());
    if lies.is_empty() {
        return Err(format!("there is no lie {:?} of a client; --list has them", options.lie));
    }
    let mut innocent = Innocent::start(options)?;
    innocent.is_served()?;
    let (dir, name, seed) = (options.dir(), options.name.clone(), random.word());
    let mut attack = std::panic::catch_unwind(|| Attack::new(dir, &name, procedures, Random::new(seed)))
        .map_err(|_| "the export cannot be talked to honestly: is it one of this version, with these procedures?")?;
    let quick = attack.targets.iter().filter(|target| target.is_quick).count();
    println!("{} procedures, {quick} that answer at once whatever they are asked", attack.targets.len());
    let mut fine = true;
    for lie in &lies {
        let (seen, verdict) = tell(lie, &mut attack, options.rounds, || innocent.is_served());
        fine &= crate::say(lie, seen, &verdict);
    }
    if options.lie == "all" {
        let told = soak(&attack, &mut random, LIARS, options.rounds);
        let after = told.and_then(|seen| innocent.is_served().map(|()| seen));
        match after {
            Ok(seen) => println!("{:14}  {:13}  survived {LIARS} liars at once ({seen})", "", "soak"),
            Err(why) => {
                println!("{:14}  {:13}  FAILED: {why}", "", "soak");
                fine = false;
            }
        }
    }
    Ok(fine)
}
