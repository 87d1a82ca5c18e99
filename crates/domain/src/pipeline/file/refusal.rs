//! Why a change is refused, and what to do.

use serde::{Deserialize, Serialize};

use super::super::source::SourceError;
use super::finding::Finding;
use super::tree::{NodeId, Tree};
use crate::text::{Locale, Text};

/// Why a change is refused. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "refusal", rename_all = "snake_case")]
pub enum Refusal {
    /// The file is not YAML.
    Source {
        /// Where and why.
        error: SourceError,
    },
    /// Not `JOB.FIELD=VALUE`, or no such job.
    NoJob {
        /// What was given.
        given: String,
    },
    /// Not a job that can run.
    NotAJob {
        /// Its name.
        name: String,
        /// Why.
        reason: Text,
    },
    /// Changing it would change other places, or an anchor's value.
    Kept {
        /// The field.
        field: String,
        /// The line, from 1.
        line: usize,
        /// Why.
        reason: Text,
    },
    /// No such place in the file.
    NoSuchField {
        /// The field.
        field: String,
    },
    /// The value does not fit the field.
    WrongValue {
        /// The field.
        field: String,
        /// What belongs there.
        wanted: Text,
    },
    /// GitLab would refuse the file after it.
    WouldBreak {
        /// What GitLab would say.
        finding: Box<Finding>,
    },
    /// The result was read again and says something else than was meant.
    NotWhatWasMeant {
        /// The field.
        field: String,
    },
    /// No such job.
    UnknownJob {
        /// Its name.
        name: String,
    },
    /// No such stage.
    UnknownStage {
        /// Its name.
        stage: String,
    },
    /// A job or a stage of this name is there.
    Taken {
        /// The name.
        name: String,
    },
    /// Nothing can be called so.
    BadName {
        /// The name.
        name: String,
        /// What a name must be.
        wanted: Text,
    },
    /// Other jobs cannot do without it.
    InUse {
        /// The job or stage.
        name: String,
        /// The jobs that use it.
        by: Vec<String>,
        /// The line of the first, from 1.
        line: usize,
    },
}

impl From<SourceError> for Refusal {
    fn from(error: SourceError) -> Self {
        Self::Source { error }
    }
}

impl Refusal {
    pub(super) fn kept(tree: &Tree<'_>, node: NodeId, field: &str, en: &str, zh: &str) -> Self {
        let reason = Text::new(en, zh);
        Self::Kept {
            field: field.to_owned(),
            line: tree.node(node).line,
            reason,
        }
    }

    /// The sentence for people.
    pub fn message(&self, locale: Locale) -> String {
        let zh = locale == Locale::ZhCn;
        match self {
            Self::Source { error } => error.message(locale),
            Self::NoJob { given } if zh => {
                format!("“{given}”没有指出文件中的作业和字段，请写作 作业.字段=值，例如 test.image=node:24。")
            }
            Self::NoJob { given } => format!(
                "“{given}” names no job and field of the file. Write JOB.FIELD=VALUE, such as test.image=node:24."
            ),
            Self::NotAJob { name, reason } if zh => format!("“{name}”：{}，请在文件中修改。", reason.zh),
            Self::NotAJob { name, reason } => format!("“{name}”: {}. Change it in the file.", reason.en),
            Self::Kept { field, line, reason } if zh => {
                format!("第 {line} 行：{field} {}，请在文件中修改。", reason.zh)
            }
            Self::Kept { field, line, reason } => {
                format!("Line {line}: {field} {}. Change it in the file.", reason.en)
            }
            Self::NoSuchField { field } if zh => format!("没有 {field} 这个位置。"),
            Self::NoSuchField { field } => format!("There is no place {field} in the file."),
            Self::WrongValue { field, wanted } if zh => format!("{field} 应为{}。", wanted.zh),
            Self::WrongValue { field, wanted } => format!("{field} must be {}.", wanted.en),
            Self::WouldBreak { finding } if zh => {
                format!("GitLab 会拒绝修改后的文件。{}", finding.message(locale))
            }
            Self::WouldBreak { finding } => {
                format!(
                    "GitLab would refuse the file after this. {}",
                    finding.message(locale)
                )
            }
            Self::NotWhatWasMeant { field } if zh => {
                format!("修改 {field} 会影响文件的其他内容，因此没有写入。请在文件中修改。")
            }
            Self::NotWhatWasMeant { field } => format!(
                "Changing {field} would change more than that, so nothing was written. Change it in the file."
            ),
            Self::UnknownJob { name } if zh => format!("文件中没有名为“{name}”的作业，请重新载入页面。"),
            Self::UnknownJob { name } => {
                format!("The file has no job “{name}”. Load the page again.")
            }
            Self::UnknownStage { stage } if zh => format!("文件中没有阶段“{stage}”，请另选一个。"),
            Self::UnknownStage { stage } => {
                format!("The file has no stage “{stage}”. Choose another.")
            }
            Self::Taken { name } if zh => format!("“{name}”已被使用，请换一个名称。"),
            Self::Taken { name } => format!("“{name}” is there already. Choose another name."),
            Self::BadName { name, wanted } if zh => format!("不能叫“{name}”：名称应为{}。", wanted.zh),
            Self::BadName { name, wanted } => {
                format!("Nothing can be called “{name}”: a name must be {}.", wanted.en)
            }
            Self::InUse { name, by, line } if zh => format!(
                "第 {line} 行：以下作业要用到“{name}”：{}。请先修改它们，或让它们不再用到它。",
                by.join("、")
            ),
            Self::InUse { name, by, line } => format!(
                "Line {line}: these jobs use “{name}”: {}. Change them first, or have them do without it.",
                by.join(", ")
            ),
        }
    }
}
