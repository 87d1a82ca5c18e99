//! Reports of a run: its tests, its coverage, and what scanners found.

pub mod scan;

use crate::project::Place;
use crate::run::RunRow;
use crate::signature::Signature;
use crate::text::Text;
use crate::time::Timestamp;
use scan::Scan;
use serde::{Deserialize, Serialize};

/// The most cases of a run that are kept; those that failed come first.
pub const MOST_CASES: usize = 5000;
/// The most characters of what a case wrote that are kept.
pub const MOST_OUTPUT: usize = 4000;

/// How a case ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseStatus {
    /// It did not hold.
    Failed,
    /// It broke.
    Error,
    /// It was not run.
    Skipped,
    /// It held.
    Success,
}

impl CaseStatus {
    /// GitLab's word.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Error => "error",
            Self::Skipped => "skipped",
            Self::Success => "success",
        }
    }

    /// Reads GitLab's word.
    pub fn from_key(key: &str) -> Option<Self> {
        [Self::Failed, Self::Error, Self::Skipped, Self::Success]
            .into_iter()
            .find(|status| status.key() == key)
    }

    /// Whether it is bad news.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Error)
    }
}

/// Which cases are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaseFilter {
    /// `failed` (broken ones among them), `skipped` or `success`; nothing: all.
    pub status: String,
    /// Only those whose name or class has it, in any case; nothing: all.
    pub find: String,
}

impl CaseFilter {
    /// Whether a case is looked at.
    pub fn takes(&self, case: &Case) -> bool {
        let status = match self.status.as_str() {
            "failed" => case.status.is_bad(),
            "skipped" => case.status == CaseStatus::Skipped,
            "success" => case.status == CaseStatus::Success,
            _ => true,
        };
        let find = self.find.trim().to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&find);
        status && (find.is_empty() || has(&case.name) || has(&case.class))
    }
}

/// A test case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// The class or file that it stands in.
    pub class: String,
    /// The file, where the report says it.
    pub file: Option<String>,
    /// How it ended.
    pub status: CaseStatus,
    /// How long it took, in µs.
    pub took: i64,
    /// What it wrote when it failed, at most [`MOST_OUTPUT`] characters.
    pub output: String,
}

/// The tests of one job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// Its name: the job's.
    pub name: String,
    /// How long its cases took, in µs.
    pub took: i64,
    /// Why GitLab could not read the job's report.
    pub error: Option<String>,
    /// How many held.
    pub passed: i64,
    /// How many did not, or broke.
    pub failed: i64,
    /// How many were not run.
    pub skipped: i64,
    /// The cases: bad news first, else in the report's order.
    pub cases: Vec<Case>,
    /// How many cases are not among them.
    pub left_out: usize,
}

/// The tests of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestReport {
    /// A suite a job.
    pub suites: Vec<Suite>,
}

impl TestReport {
    /// The report with at most [`MOST_CASES`] cases, bad news first.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        let mut room = MOST_CASES;
        for suite in &mut self.suites {
            suite.cases.sort_by_key(|case| !case.status.is_bad());
            let kept = suite.cases.len().min(room);
            suite.left_out += suite.cases.len() - kept;
            suite.cases.truncate(kept);
            room -= kept;
            for case in &mut suite.cases {
                case.output = shortened(&case.output);
            }
        }
        self
    }

    /// Only the cases that `filter` takes, at most `most` of them; what is not shown is counted in
    /// [`Suite::left_out`].
    #[must_use]
    pub fn filtered(mut self, filter: &CaseFilter, most: usize) -> Self {
        let mut room = most;
        for suite in &mut self.suites {
            let all = suite.cases.len();
            suite.cases.retain(|case| {
                let taken = room > 0 && filter.takes(case);
                if taken {
                    room -= 1;
                }
                taken
            });
            suite.left_out += all - suite.cases.len();
        }
        self
    }

    /// How many cases held, did not, and were not run.
    pub fn sums(&self) -> (i64, i64, i64) {
        self.suites
            .iter()
            .fold((0, 0, 0), |(passed, failed, skipped), suite| {
                (
                    passed + suite.passed,
                    failed + suite.failed,
                    skipped + suite.skipped,
                )
            })
    }
}

/// The beginning of a text, and a mark where it goes on.
pub fn shortened(text: &str) -> String {
    let end = text
        .char_indices()
        .nth(MOST_OUTPUT)
        .map_or(text.len(), |(at, _)| at);
    if end == text.len() {
        text.to_owned()
    } else {
        format!("{}…", &text[..end])
    }
}

/// The coverage of a job, in hundredths of a percent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCoverage {
    /// The job.
    pub job: String,
    /// How much, in hundredths of a percent: 8750 is 87.5 %.
    pub hundredths: i64,
}

/// Everything that is reported of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reports {
    /// Its tests; `None`: no job reports any.
    pub tests: Option<TestReport>,
    /// Its coverage, in hundredths of a percent: the mean of its jobs'.
    pub coverage: Option<i64>,
    /// The coverage of each job that has one.
    pub jobs: Vec<JobCoverage>,
    /// What scanners found.
    pub scans: Vec<Scan>,
    /// Signatures of images.
    #[serde(default)]
    pub signatures: Vec<Signature>,
}

impl Reports {
    /// Whether there is nothing in them.
    pub fn is_empty(&self) -> bool {
        self.tests.is_none()
            && self.coverage.is_none()
            && self.jobs.is_empty()
            && self.scans.is_empty()
            && self.signatures.is_empty()
    }
}

/// What the page of reports shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportsView {
    /// Where.
    pub place: Place,
    /// Of which run.
    pub run: RunRow,
    /// How many cases held, did not, and were not run; of all, whatever the filter shows.
    pub sums: Option<(i64, i64, i64)>,
    /// They, with the cases that the filter takes; `None`: GitLab never said.
    pub reports: Option<Reports>,
    /// Where GitLab shows files of this commit; a path follows.
    pub files_url: Option<String>,
    /// When GitLab said this.
    pub as_of: Option<Timestamp>,
    /// Why GitLab says nothing now.
    pub trouble: Option<Text>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn case(status: CaseStatus, output: &str) -> Case {
        Case {
            name: String::from("it holds"),
            class: String::new(),
            file: None,
            status,
            took: 1,
            output: output.to_owned(),
        }
    }

    proptest! {
        /// Whatever is left out is counted, and bad news is kept before good.
        #[test]
        fn nothing_is_lost_uncounted(sizes in prop::collection::vec((0usize..4000, 0usize..40), 1..4)) {
            let suites = sizes.iter().map(|(good, bad)| {
                let mut cases = vec![case(CaseStatus::Success, ""); *good];
                cases.extend(vec![case(CaseStatus::Error, "no"); *bad]);
                Suite {
                    name: String::from("unit"), took: 0, error: None, passed: 0, failed: 0, skipped: 0, cases,
                    left_out: 0,
                }
            });
            let report = TestReport { suites: suites.collect() }.bounded();
            let kept: usize = report.suites.iter().map(|suite| suite.cases.len()).sum();
            prop_assert!(kept <= MOST_CASES);
            for (suite, (good, bad)) in report.suites.iter().zip(&sizes) {
                prop_assert_eq!(suite.cases.len() + suite.left_out, good + bad);
                let first_good = suite.cases.iter().position(|case| !case.status.is_bad());
                let last_bad = suite.cases.iter().rposition(|case| case.status.is_bad());
                prop_assert!(last_bad.is_none_or(|last| first_good.is_none_or(|first| last < first)));
            }
        }

        /// A filter shows what it names and counts the rest.
        #[test]
        fn what_a_filter_hides_is_counted(bad in 0usize..30, good in 0usize..30, most in 1usize..40) {
            let mut cases = vec![case(CaseStatus::Success, ""); good];
            cases.extend(vec![case(CaseStatus::Failed, "no"); bad]);
            let suite = Suite {
                name: String::from("unit"), took: 0, error: None, passed: 0, failed: 0, skipped: 0, cases, left_out: 2,
            };
            let report = TestReport { suites: vec![suite] };
            let filter = CaseFilter { status: String::from("failed"), find: String::from("HOLDS") };
            let shown = &report.filtered(&filter, most).suites[0];
            prop_assert_eq!(shown.cases.len(), bad.min(most));
            prop_assert_eq!(shown.cases.len() + shown.left_out, good + bad + 2);
            prop_assert!(shown.cases.iter().all(|case| case.status.is_bad()));
        }

        /// Long outputs end at a character.
        #[test]
        fn an_output_is_cut_between_characters(text in "[a\u{4e2d}]{3990,4010}") {
            let cut = shortened(&text);
            prop_assert!(cut.chars().count() <= MOST_OUTPUT + 1);
            prop_assert!(text.starts_with(cut.trim_end_matches('…')));
        }
    }
}
