//! What GitLab would refuse, or take for something else than what was meant: where, and what to do.

use serde::{Deserialize, Serialize};

use super::super::problem::Severity;
use super::tree::{NodeId, Tree};
use crate::text::{Locale, Text};

/// Something about a file, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How bad it is.
    pub severity: Severity,
    /// What it is. The serialized `code` is stable.
    #[serde(flatten)]
    pub code: FindingCode,
}

/// The kinds of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum FindingCode {
    /// A key that stands twice: GitLab takes the last.
    DuplicateKey {
        /// The key.
        key: String,
        /// The line of the first.
        first: usize,
    },
    /// More documents than a header and a pipeline.
    IgnoredDocument,
    /// A job that does nothing.
    NoScript {
        /// The job.
        job: String,
    },
    /// No job at all.
    NoJobs,
    /// A name longer than 255 characters.
    LongName,
    /// A key GitLab does not know.
    UnknownKey {
        /// Where.
        place: String,
        /// The key.
        key: String,
    },
    /// A value of the wrong shape.
    WrongShape {
        /// Where.
        place: String,
        /// What belongs there.
        wanted: Text,
    },
    /// A command that reads as a mapping because of its `: `.
    CommandIsMapping {
        /// Where.
        place: String,
    },
    /// One of a few words was expected.
    NotOneOf {
        /// Where.
        place: String,
        /// What stands there.
        found: String,
        /// The words.
        options: String,
    },
    /// Not a duration.
    NotADuration {
        /// Where.
        place: String,
        /// What stands there.
        found: String,
    },
    /// A date without quotes.
    UnquotedDate,
    /// A stage that is not there.
    UnknownStage {
        /// The job.
        job: String,
        /// The stage.
        stage: String,
        /// Those that are.
        stages: String,
    },
    /// A need or dependency that is not there.
    UnknownNeed {
        /// The job.
        job: String,
        /// `needs` or `dependencies`.
        field: String,
        /// The missing job.
        need: String,
    },
    /// A need or dependency of a job that runs later.
    LaterNeed {
        /// The job.
        job: String,
        /// `needs` or `dependencies`.
        field: String,
        /// The later job.
        need: String,
    },
    /// Jobs that wait for each other.
    Cycle {
        /// Their names.
        path: String,
    },
    /// `rules` beside `only` or `except`.
    RulesBesideOnly {
        /// The job.
        job: String,
        /// The other key.
        key: String,
    },
    /// Extends what is not there.
    UnknownExtends {
        /// The job.
        job: String,
        /// What it extends.
        base: String,
    },
    /// Extends itself.
    CircularExtends {
        /// The job.
        name: String,
    },
    /// Too many steps.
    ExtendsTooDeep {
        /// The job.
        name: String,
    },
    /// A `!reference` to what is not there.
    UnknownReference {
        /// Its path.
        path: String,
    },
    /// A `!reference` that leads on and on.
    ReferenceTooDeep {
        /// Its path.
        path: String,
    },
    /// Files are asked for of a job that keeps none.
    NothingKept {
        /// The job that asks.
        job: String,
        /// `needs` or `dependencies`.
        field: String,
        /// The job that keeps none.
        of: String,
    },
    /// A variable that GitLab gives to protected branches alone, in a job that runs on others.
    ProtectedVariable {
        /// The job.
        job: String,
        /// The variable's key.
        variable: String,
    },
    /// A job that deploys, by its name or stage, without an environment.
    NoEnvironment {
        /// The job.
        job: String,
    },
}

impl Finding {
    /// GitLab refuses the file.
    pub fn error(tree: &Tree<'_>, node: NodeId, code: FindingCode) -> Self {
        let node = tree.node(node);
        Self {
            line: node.line,
            column: node.column,
            severity: Severity::Error,
            code,
        }
    }

    /// GitLab takes the file.
    pub fn warning(tree: &Tree<'_>, node: NodeId, code: FindingCode) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(tree, node, code)
        }
    }

    /// The sentence for people, with the place.
    pub fn message(&self, locale: Locale) -> String {
        let (line, column) = (self.line, self.column);
        match locale {
            Locale::ZhCn => format!("第 {line} 行第 {column} 列：{}", self.code.zh()),
            Locale::En => format!("Line {line}, column {column}: {}", self.code.en()),
        }
    }
}

impl FindingCode {
    /// Whether two findings are one, wherever their lines have moved to.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::DuplicateKey { key, .. }, Self::DuplicateKey { key: other, .. }) => key == other,
            (one, other) => one == other,
        }
    }

    fn en(&self) -> String {
        match self {
            Self::DuplicateKey { key, first } => format!(
                "“{key}” stands here a second time; the first is in line {first}, and GitLab takes only the last. Rename or remove one."
            ),
            Self::IgnoredDocument => {
                "GitLab does not read this document. Move its jobs into the first one.".into()
            }
            Self::NoScript { job } => {
                format!(
                    "the job “{job}” has no script, run or trigger. Write one, or begin its name with a dot."
                )
            }
            Self::NoJobs => {
                "no job would run. Write at least one whose name does not begin with a dot.".into()
            }
            Self::LongName => "the name has more than 255 characters. Shorten it.".into(),
            Self::UnknownKey { place, key } => {
                format!("GitLab does not know “{key}” in {place}. Correct its spelling or remove it.")
            }
            Self::WrongShape { place, wanted } => format!("{place} must be {}.", wanted.en),
            Self::CommandIsMapping { place } => {
                format!(
                    "this command of {place} reads as a mapping because of its “: ”. Put quotes around it."
                )
            }
            Self::NotOneOf {
                place,
                found,
                options,
            } => {
                format!("{place} is “{found}”, but must be one of: {options}.")
            }
            Self::NotADuration { place, found } => {
                format!("{place} is “{found}”, which is no duration. Write one such as 30 minutes or 1h 30m.")
            }
            Self::UnquotedDate => "GitLab refuses a date without quotes. Put quotes around it.".into(),
            Self::UnknownStage { job, stage, stages } => format!(
                "the job “{job}” is in the stage “{stage}”, which does not exist. Choose one of: {stages}; or add it to stages."
            ),
            Self::UnknownNeed { job, field, need } => {
                format!(
                    "the {field} of “{job}” name “{need}”, which is not in this pipeline. Remove it, or correct the name."
                )
            }
            Self::LaterNeed { job, field, need } => {
                format!(
                    "the {field} of “{job}” name “{need}”, which runs in a later stage. Move one of the two."
                )
            }
            Self::Cycle { path } => {
                format!("these jobs wait for each other: {path}. Remove one of the needs.")
            }
            Self::RulesBesideOnly { job, key } => {
                format!("the job “{job}” has rules, so “{key}” is not allowed. Keep one of the two.")
            }
            Self::UnknownExtends { job, base } => {
                format!(
                    "“{job}” extends “{base}”, which is not there. Correct the name, or include its file."
                )
            }
            Self::CircularExtends { name } => {
                format!("“{name}” extends itself in a circle. Remove one of the extends.")
            }
            Self::ExtendsTooDeep { name } => {
                format!("“{name}” extends over more than 10 steps. Make the chain shorter.")
            }
            Self::UnknownReference { path } => {
                format!("!reference [{path}] leads nowhere. Correct the path, or include its file.")
            }
            Self::ReferenceTooDeep { path } => {
                format!("!reference [{path}] leads over more than 10 steps or in a circle. Make it direct.")
            }
            Self::NothingKept { job, field, of } => format!(
                "the {field} of “{job}” ask for files, but “{of}” keeps none. Add artifacts to “{of}”, or remove it."
            ),
            Self::ProtectedVariable { job, variable } => format!(
                "“{job}” uses ${variable}, which GitLab gives to protected branches and tags alone, but runs on every branch, where it is empty. Run the job on the default branch only."
            ),
            Self::NoEnvironment { job } => format!(
                "“{job}” seems to deploy and names no environment, so nobody sees what runs where. Add environment, or let Slipway deploy."
            ),
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::DuplicateKey { key, first } => {
                format!("“{key}”重复出现，第一次在第 {first} 行，GitLab 只采用最后一个。请改名或删除其一。")
            }
            Self::IgnoredDocument => "GitLab 不会读取此文档，请把其中的作业移到第一个文档。".into(),
            Self::NoScript { job } => {
                format!("作业“{job}”没有 script、run 或 trigger，请填写其一，或让名称以点开头。")
            }
            Self::NoJobs => "没有可运行的作业，请至少写一个名称不以点开头的作业。".into(),
            Self::LongName => "名称超过 255 个字符，请缩短。".into(),
            Self::UnknownKey { place, key } => {
                format!("GitLab 不认识 {place} 中的“{key}”，请检查拼写或删除。")
            }
            Self::WrongShape { place, wanted } => format!("{place} 应为{}。", wanted.zh),
            Self::CommandIsMapping { place } => {
                format!("{place} 的这条命令含有“: ”，会被读作映射，请加引号。")
            }
            Self::NotOneOf {
                place,
                found,
                options,
            } => {
                format!("{place} 的值“{found}”不正确，应为以下之一：{options}。")
            }
            Self::NotADuration { place, found } => {
                format!("{place} 的值“{found}”不是时长，请填写例如 30 minutes 或 1h 30m。")
            }
            Self::UnquotedDate => "GitLab 不接受不带引号的日期，请加引号。".into(),
            Self::UnknownStage { job, stage, stages } => {
                format!("作业“{job}”所在的阶段“{stage}”不存在，请从以下选择：{stages}；或将其加入 stages。")
            }
            Self::UnknownNeed { job, field, need } => {
                format!("“{job}”的 {field} 提到“{need}”，但它不在此流水线中，请删除或更正名称。")
            }
            Self::LaterNeed { job, field, need } => {
                format!("“{job}”的 {field} 提到“{need}”，但它在更靠后的阶段运行，请移动其中一个。")
            }
            Self::Cycle { path } => format!("这些作业互相等待：{path}。请移除其中一个依赖。"),
            Self::RulesBesideOnly { job, key } => {
                format!("作业“{job}”已有 rules，不能再用“{key}”，请保留其一。")
            }
            Self::UnknownExtends { job, base } => {
                format!("“{job}”继承的“{base}”不存在，请更正名称，或引入其所在文件。")
            }
            Self::CircularExtends { name } => format!("“{name}”循环继承了自己，请移除其中一个 extends。"),
            Self::ExtendsTooDeep { name } => format!("“{name}”的继承超过 10 层，请缩短。"),
            Self::UnknownReference { path } => {
                format!("!reference [{path}] 没有指向任何内容，请更正路径，或引入其所在文件。")
            }
            Self::ReferenceTooDeep { path } => {
                format!("!reference [{path}] 超过 10 层或形成循环，请直接引用。")
            }
            Self::NothingKept { job, field, of } => {
                format!(
                    "“{job}”的 {field} 需要“{of}”的文件，但后者没有保留任何文件。请为“{of}”添加 artifacts，或将其移除。"
                )
            }
            Self::ProtectedVariable { job, variable } => format!(
                "“{job}”使用了 ${variable}，GitLab 只在受保护的分支和标签上提供它，而该作业在所有分支运行，届时其值为空。请让作业只在默认分支运行。"
            ),
            Self::NoEnvironment { job } => {
                format!(
                    "“{job}”看起来会执行部署，却没有指定 environment，部署到哪里无从得知。请添加 environment，或交给 Slipway 部署。"
                )
            }
        }
    }
}
