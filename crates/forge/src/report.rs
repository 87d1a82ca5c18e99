//! Runners, test cases and coverage, as GitLab answers them.

use crate::answer::{flag, int, text};
use serde_json::Value;
use slipway_domain::report::{Case, CaseStatus, JobCoverage, Suite, TestReport, shortened};
use slipway_domain::run::queue::Runner;

/// A runner. `online` is what `status` was before 14.x.
pub fn runner(value: &Value) -> Runner {
    let status = value.get("status").and_then(Value::as_str);
    let online = status.map_or_else(
        || value.get("online").and_then(Value::as_bool),
        |status| Some(status == "online"),
    );
    Runner {
        online: online.unwrap_or(true),
        paused: flag(value, "paused") || status == Some("paused"),
    }
}

/// `test_report`; `None`: there is no case in it and no suite that could not be read.
pub fn tests(value: &Value) -> Option<TestReport> {
    let suites: Vec<Suite> = list(value, "test_suites").iter().filter_map(suite).collect();
    let told = suites
        .iter()
        .any(|suite| !suite.cases.is_empty() || suite.error.is_some());
    told.then(|| TestReport { suites }.bounded())
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

fn suite(value: &Value) -> Option<Suite> {
    let count = |key: &str| int(value, key).unwrap_or_default();
    Some(Suite {
        name: text(value, "name")?,
        took: micros(value, "total_time"),
        error: text(value, "suite_error"),
        passed: count("success_count"),
        failed: count("failed_count") + count("error_count"),
        skipped: count("skipped_count"),
        cases: list(value, "test_cases").iter().filter_map(case).collect(),
        left_out: 0,
    })
}

fn case(value: &Value) -> Option<Case> {
    let mut output = value.get("system_output").map(words).unwrap_or_default();
    if let Some(trace) = text(value, "stack_trace") {
        if !output.is_empty() {
            output.push('\n');
        }
        output.push_str(&trace);
    }
    Some(Case {
        name: text(value, "name").unwrap_or_default(),
        class: text(value, "classname").unwrap_or_default(),
        file: text(value, "file"),
        status: CaseStatus::from_key(value.get("status")?.as_str()?)?,
        took: micros(value, "execution_time"),
        output: shortened(&output),
    })
}

/// What a case wrote: a text, or whatever the report's parser made of it.
fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(words).collect::<Vec<_>>().join("\n"),
        Value::Object(map) => match map.get("message").or_else(|| map.get("__content__")) {
            Some(message) => words(message),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}

/// Seconds as µs.
fn micros(value: &Value, key: &str) -> i64 {
    let seconds = value.get(key).and_then(Value::as_f64).unwrap_or_default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "bounded just before; a duration in whole µs"
    )]
    let micros = (seconds.clamp(0.0, 1e9) * 1e6).round() as i64;
    micros
}

/// `coverage`, a number or a text such as `"87.50"`, in hundredths of a percent.
pub fn hundredths(value: &Value) -> Option<i64> {
    let coverage = value.get("coverage")?;
    let percent = coverage
        .as_f64()
        .or_else(|| coverage.as_str()?.trim().trim_end_matches('%').parse().ok())?;
    if !(0.0..=100.0).contains(&percent) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 10000")]
    let hundredths = (percent * 100.0).round() as i64;
    Some(hundredths)
}

/// The coverage of a job that has one.
pub fn job_coverage(value: &Value) -> Option<JobCoverage> {
    Some(JobCoverage {
        job: text(value, "name")?,
        hundredths: hundredths(value)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn coverage_is_read_as_number_and_as_text() {
        let of = |coverage: Value| hundredths(&json!({ "coverage": coverage }));
        assert_eq!(of(json!(87.5)), Some(8750));
        assert_eq!(of(json!("87.50")), Some(8750));
        assert_eq!(of(json!(0)), Some(0));
        for none in [json!(null), json!("n/a"), json!(101), json!(-1), json!([])] {
            assert_eq!(of(none), None);
        }
    }

    #[test]
    fn an_output_of_any_shape_is_text() {
        let of = |output: Value| {
            case(&json!({ "status": "failed", "system_output": output }))
                .unwrap()
                .output
        };
        assert_eq!(of(json!("no")), "no");
        assert_eq!(of(json!(["a", { "message": "b", "type": "E" }])), "a\nb");
        assert_eq!(of(json!(null)), "");
        assert!(case(&json!({ "status": "a status of 2031" })).is_none());
    }

    #[test]
    fn a_runner_is_online_and_paused_in_every_version() {
        let of = |value: Value| {
            let runner = runner(&value);
            (runner.online, runner.paused)
        };
        assert_eq!(of(json!({ "status": "online", "paused": false })), (true, false));
        assert_eq!(of(json!({ "status": "stale", "paused": false })), (false, false));
        assert_eq!(of(json!({ "status": "online", "paused": true })), (true, true));
        assert_eq!(of(json!({ "online": false })), (false, false));
        assert_eq!(of(json!({})), (true, false));
    }
}
