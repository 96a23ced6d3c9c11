//! Generated code, as far as it can be judged without a second process.

#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is half of the test")]
#[path = "../../idl/tests/goldens/files.expected.rs"]
mod files;
#[allow(dead_code, unreachable_pub, reason = "a module as a library would have it; compiling is half of the test")]
#[path = "../../idl/tests/goldens/forms.expected.rs"]
mod forms;
