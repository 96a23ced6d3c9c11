//! `nearcall idl`: the compiler of `.idl` and `.defs` files.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use nearcall_idl::lang::{self, CompileError, Compiled, Side};

/// What to do with `.idl` and `.defs` files.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Writes client and server support, and, where there are none, a loop and a template of the server
    Compile(CompileOptions),
    /// Shows how parameters and results travel: heads, frames and offsets in bytes, each part's path and why
    Layout(LayoutOptions),
}

#[derive(Debug, Args)]
pub(crate) struct CompileOptions {
    /// The file
    file: PathBuf,
    /// The language that comes out
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
    /// Where the files go; it is made if it is missing
    #[arg(long, default_value = ".")]
    out: PathBuf,
    /// Support alone, without loop and template: for a program that only calls
    #[arg(long)]
    client: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LayoutOptions {
    /// The file
    file: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    Rust,
    C,
}

/// Runs the subcommand. What is wrong with a file goes to the standard error.
pub(crate) fn run(command: &Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Compile(options) => {
            let Some(compiled) = compile(&options.file)? else { return Ok(ExitCode::FAILURE) };
            if options.lang == Language::C && options.file.extension().is_some_and(|extension| extension == "defs") {
                anyhow::bail!(
                    "{}: what a `.defs` file says of prefixes and translations is compiled to Rust only",
                    options.file.display()
                );
            }
            let side = if options.client { Side::Client } else { Side::Both };
            let output = match options.lang {
                Language::Rust => compiled.write(&options.out, side)?,
                Language::C => compiled.write_c(&options.out, side)?,
            };
            for path in output.written {
                println!("wrote {}", path.display());
            }
            for path in output.kept {
                println!("kept {}: it is yours", path.display());
            }
        }
        Command::Layout(options) => {
            let Some(compiled) = compile(&options.file)? else { return Ok(ExitCode::FAILURE) };
            print!("{}", compiled.layout());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `None` if something is wrong with it, which has been said.
fn compile(file: &std::path::Path) -> anyhow::Result<Option<Compiled>> {
    match lang::compile_file(file) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(CompileError::Refused(diagnostics)) => {
            eprintln!("{diagnostics}");
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}
