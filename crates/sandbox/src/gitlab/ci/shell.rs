//! The shell script of a job, as a shell runner generates it.

use std::fmt::Write as _;

/// Quotes text for `sh`.
pub fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// A script that echoes each command in green and then runs it; the first failing command ends it.
pub fn script(commands: &[String], stop_at_failure: bool) -> String {
    let mut out = String::from("exec 2>&1\n");
    if stop_at_failure {
        out.push_str("set -e\n(set -o pipefail) 2>/dev/null && set -o pipefail\n");
    }
    for command in commands {
        let first = command.lines().next().unwrap_or_default();
        let more = command.trim_end().contains('\n');
        let note = if more {
            " # collapsed multi-line command"
        } else {
            ""
        };
        let _ = writeln!(
            out,
            "printf '\\033[32;1m%s\\033[0;m\\n' {}",
            quote(&format!("$ {first}{note}"))
        );
        out.push_str(command);
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_echoed_and_the_first_failure_ends_the_script() {
        let commands = ["echo 'it''s'", "false", "echo never"].map(str::to_owned);
        let output = std::process::Command::new("sh")
            .arg("-c")
            .arg(script(&commands, true))
            .output()
            .expect("sh");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text.contains("\u{1b}[32;1m$ echo 'it''s'\u{1b}[0;m\nits\n"),
            "{text}"
        );
        assert!(!text.contains("never"));
    }
}
