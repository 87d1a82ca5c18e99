//! What GitLab would say to a file, without asking it. Where a rule needs what is not in the file (an
//! include, an input), it says nothing.

use super::super::problem::Severity;
use super::effective::{Config, Effective, INCOMPLETE, Value, effective};
use super::finding::{Finding, FindingCode};
use super::job::{cycles, dependencies, needs, stages};
use super::shape;
use super::tree::{NodeId, Tree};

/// Keys of the file that are no jobs.
pub const GLOBAL_KEYS: [&str; 12] = [
    "after_script",
    "before_script",
    "cache",
    "default",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "types",
    "variables",
    "workflow",
];

/// Everything that is wrong, errors and warnings, in the order of the file. `included`: the file is a
/// part of others, so what it does not define may be defined there.
pub fn lint(tree: &Tree<'_>, included: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = effective(tree, included, &mut findings);
    check(tree, config.as_ref(), findings)
}

/// The same for a file that was written out, with what was found then.
pub(super) fn check(
    tree: &Tree<'_>,
    config: Option<&Config<'_>>,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    duplicates(tree, &mut findings);
    documents(tree, &mut findings);
    if let Some(config) = config {
        let mut lint = Lint {
            tree,
            config,
            findings: &mut findings,
        };
        lint.whole();
    }
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings.dedup();
    findings
}

/// Whether GitLab would refuse the file.
pub fn is_refused(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.severity == Severity::Error)
}

/// GitLab's reader takes the last of two keys and says nothing; what the first said is lost without a
/// word, so it is an error here.
fn duplicates(tree: &Tree<'_>, findings: &mut Vec<Finding>) {
    for twice in &tree.duplicates {
        let key = tree.scalar(twice.key).unwrap_or_default().to_owned();
        let code = FindingCode::DuplicateKey {
            key,
            first: twice.first,
        };
        findings.push(Finding::error(tree, twice.key, code));
    }
}

fn documents(tree: &Tree<'_>, findings: &mut Vec<Finding>) {
    let read = [tree.header(), tree.content()].map(|document| document.map(|document| document.root));
    for document in &tree.documents {
        if !read.contains(&Some(document.root)) {
            findings.push(Finding::warning(
                tree,
                document.root,
                FindingCode::IgnoredDocument,
            ));
        }
    }
}

/// The state of one check.
pub(super) struct Lint<'a, 't> {
    pub(super) tree: &'a Tree<'t>,
    pub(super) config: &'a Config<'a>,
    pub(super) findings: &'a mut Vec<Finding>,
}

impl Lint<'_, '_> {
    pub(super) fn error(&mut self, node: NodeId, code: FindingCode) {
        self.findings.push(Finding::error(self.tree, node, code));
    }

    fn whole(&mut self) {
        let config = self.config;
        shape::globals(self, &config.root);
        if config.jobs().next().is_none() && !config.has_includes {
            self.error(config.root.node, FindingCode::NoJobs);
        }
        for (name, key, job) in config.jobs() {
            self.job(name, key, job);
        }
        self.dates();
        let stages = stages(config);
        for (name, _, job) in config.jobs() {
            self.relations(name, job, stages.as_deref());
        }
        for cycle in cycles(config) {
            if let Some(node) = cycle.first().and_then(|first| config.get(first)?.get("needs")) {
                self.error(
                    node.node,
                    FindingCode::Cycle {
                        path: cycle.join(" → "),
                    },
                );
            }
        }
    }

    fn job(&mut self, name: &str, key: NodeId, job: &Effective) {
        if name.chars().count() > 255 {
            self.error(key, FindingCode::LongName);
        }
        if !job.is_known() {
            return;
        }
        let works = ["script", "run", "trigger"]
            .iter()
            .any(|key| job.get(key).is_some());
        // An included file, or what it extends there, may bring the script.
        let elsewhere = self.config.has_includes || job.get(INCOMPLETE).is_some();
        let says_nothing = match &job.value {
            Value::Map(_) => !works && !elsewhere,
            Value::Null => !elsewhere,
            _ => true,
        };
        if says_nothing {
            self.error(key, FindingCode::NoScript { job: name.to_owned() });
            return;
        }
        shape::job(self, name, job);
    }

    /// GitLab's reader refuses dates anywhere in the file.
    fn dates(&mut self) {
        for id in self.tree.dates() {
            self.error(id, FindingCode::UnquotedDate);
        }
    }

    fn relations(&mut self, name: &str, job: &Effective, stages: Option<&[String]>) {
        let place = |job: &Effective| -> Option<usize> {
            let stage = job.get("stage");
            let stage = match stage {
                Some(stage) => stage.text()?,
                None if self.config.has_includes || job.get(INCOMPLETE).is_some() => return None,
                None => "test",
            };
            stages?.iter().position(|known| known == stage)
        };
        if let (Some(stages), Some(stage)) = (stages, job.get("stage"))
            && let Some(text) = stage.text().filter(|text| !text.contains("$[["))
            && !stages.iter().any(|known| known == text)
        {
            let code = FindingCode::UnknownStage {
                job: name.to_owned(),
                stage: text.to_owned(),
                stages: stages.join(", "),
            };
            self.error(stage.node, code);
        } else if let (Some(stages), None) = (stages, job.get("stage"))
            && job.get(INCOMPLETE).is_none()
            && !self.config.has_includes
            && !stages.iter().any(|known| known == "test")
        {
            // Without a stage a job is in "test".
            let node = self.config.key(name).unwrap_or(job.node);
            let code = FindingCode::UnknownStage {
                job: name.to_owned(),
                stage: "test".to_owned(),
                stages: stages.join(", "),
            };
            self.error(node, code);
        }
        let own = place(job);
        let needed = needs(job)
            .into_iter()
            .map(|need| ("needs", need.job, need.optional, need.node));
        let depends = dependencies(job)
            .into_iter()
            .map(|(name, node)| ("dependencies", name, false, node));
        self.on_stop(name, job);
        for (field, target, optional, node) in needed.chain(depends) {
            let (job, field) = (name.to_owned(), field.to_owned());
            match self.target(&target) {
                None if optional || self.config.has_includes || target.contains("$[[") => {}
                None => self.error(
                    node,
                    FindingCode::UnknownNeed {
                        job,
                        field,
                        need: target,
                    },
                ),
                Some(found) => {
                    let (Some(own), Some(other)) = (own, place(found)) else {
                        continue;
                    };
                    if other > own {
                        self.error(
                            node,
                            FindingCode::LaterNeed {
                                job,
                                field,
                                need: target,
                            },
                        );
                    }
                }
            }
        }
    }

    /// The job that stops an environment has to be there.
    fn on_stop(&mut self, name: &str, job: &Effective) {
        let stop = job
            .get("environment")
            .and_then(|environment| environment.get("on_stop"));
        let Some((stop, text)) = stop.and_then(|stop| Some((stop, stop.text()?))) else {
            return;
        };
        if self.target(text).is_none() && !self.config.has_includes && !text.contains("$[[") {
            let code = FindingCode::UnknownNeed {
                job: name.to_owned(),
                field: "environment:on_stop".to_owned(),
                need: text.to_owned(),
            };
            self.error(stop.node, code);
        }
    }

    /// The job of a name; `name 1/3` and `name: [a, b]` are parts of a parallel job.
    fn target(&self, name: &str) -> Option<&Effective<'_>> {
        let visible = |name: &str| {
            let known = !name.starts_with('.') && !GLOBAL_KEYS.contains(&name);
            self.config.get(name).filter(|_| known)
        };
        visible(name).or_else(|| {
            let base = name
                .split_once(": [")
                .or_else(|| name.rsplit_once(' '))
                .map(|(base, _)| base)?;
            visible(base).filter(|job| job.get("parallel").is_some())
        })
    }
}
