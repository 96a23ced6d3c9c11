//! That the experiments find what they are there to show, by the program that measures them.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long it is tried. Others may have the processors at any time, and come between two calls that one donation would have
/// answered.
const PATIENCE: Duration = Duration::from_secs(60);

/// URPC's figure 1, as its caption says: the editor's processor goes to the file cache manager once, for the calls of both of its
/// threads, and the window manager, which has a processor, gets none.
#[test]
fn in_figure_1_one_donation_answers_both_calls() {
    let start = Instant::now();
    loop {
        let mut bench = Command::new(env!("CARGO_BIN_EXE_nearcall-bench"));
        let output = bench.args(["urpc", "figure1", "--quick", "--json"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Value = serde_json::from_slice(&output.stdout).unwrap();
        if let Some(reason) = found["skipped"].as_str() {
            eprintln!("!!! SKIPPED: {reason}");
            return;
        }
        eprintln!("{found}");
        if found["as_in_the_paper"].as_f64().unwrap() > 0.0 {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "not once in {PATIENCE:?}: {found}");
    }
}
