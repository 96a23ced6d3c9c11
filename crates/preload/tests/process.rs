//! What belongs to the process that is run: its numbers of descriptors, its mask, its memory.

mod stage;

use stage::{Stage, compiled, is_there};

#[test]
fn the_process_keeps_what_is_its_own() {
    let stage = Stage::new();
    let Some(program) = compiled(stage.dir.path(), "process", include_str!("process.c")) else { return };
    let real = stage.dir.path().join("real");
    let output = stage.command(program.to_str().unwrap()).arg(&real).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && output.stdout == b"done\n", "{:?}: {said}", output.status);
    assert_eq!(std::fs::read(stage.tree().join("f")).unwrap(), b"xerved");
    assert_eq!(stage.pfs.sync_count(), 6, "one for each write that asked for it");
}

/// It starts programs by vfork, and duplicates descriptors in the child.
#[test]
fn python_starts_a_program_that_writes_to_a_served_file() {
    if !is_there("python3") {
        return;
    }
    let stage = Stage::new();
    let text = "import subprocess, sys\n\
                out = open('/nearcall-n/one/out', 'w')\n\
                out.write('a'); out.flush()\n\
                subprocess.run(['true'], stdout=out)\n\
                print('here', flush=True)\n\
                out.write('b'); out.flush()\n";
    let output = stage.command("python3").args(["-c", text]).output().unwrap();
    assert!(output.status.success() && output.stdout == b"here\n", "{output:?}");
    assert_eq!(std::fs::read(stage.tree().join("out")).unwrap(), b"ab");
}
