//! What is wrong with a pipeline, where, and what mends it.

use serde::{Deserialize, Serialize};

use super::fix::Fix;
use super::message::FieldMessage;
use crate::text::{Locale, Text};

/// A finding about a pipeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What is wrong. The serialized `code` is stable.
    #[serde(flatten)]
    pub code: ProblemCode,
    /// The job's id; none for the whole pipeline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    /// The field, or the parameter of a template.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// What mends it safely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The pipeline would run, but not as meant.
    Warning,
    /// GitLab would refuse the file, or the job could not work.
    Error,
}

/// The kinds of problems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ProblemCode {
    /// Jobs wait for each other in a ring.
    Cycle {
        /// Their names, in order.
        path: String,
    },
    /// Two jobs have one name.
    DuplicateName {
        /// The name.
        name: String,
    },
    /// Two jobs have one id.
    DuplicateId {
        /// The id.
        id: String,
    },
    /// A job without a name.
    EmptyName,
    /// A name longer than GitLab's 255 characters.
    LongName,
    /// A name that is a keyword of GitLab.
    ReservedName {
        /// The name.
        name: String,
    },
    /// A need of a job that is not there.
    UnknownNeed {
        /// The missing job.
        need: String,
    },
    /// A need of a job of a later stage.
    NeedOfLaterStage {
        /// The later job's name.
        need: String,
    },
    /// More than GitLab's 50 needs.
    TooManyNeeds,
    /// A stage that is not there.
    UnknownStage {
        /// The stage.
        stage: String,
    },
    /// Two stages have one name.
    DuplicateStage {
        /// The stage.
        stage: String,
    },
    /// Nothing to do.
    NoJobs,
    /// A step of a type that Slipway does not know.
    UnknownStep {
        /// The type.
        step: String,
    },
    /// No commands.
    EmptyScript,
    /// A file is used that no job before makes.
    MissingProducer {
        /// The file.
        path: String,
    },
    /// A secret is used where anyone who can push can read it.
    SecretOnUnprotectedRef {
        /// The variable.
        secret: String,
    },
    /// A deployment that goes nowhere.
    DeployWithoutEnvironment,
    /// Two images are built in one job.
    TwoImages,
    /// A step that must stand alone shares its job.
    MustStandAlone {
        /// The step's name in both languages.
        step: Text,
    },
    /// A retry that GitLab refuses.
    RetryOutOfRange,
    /// More caches than GitLab's four.
    TooManyCaches,
    /// A parameter's value is refused.
    RefusedValue {
        /// The parameter.
        param: String,
        /// Why.
        message: FieldMessage,
    },
}

impl Problem {
    /// An error of the whole pipeline.
    pub fn error(code: ProblemCode) -> Self {
        Self {
            code,
            job: None,
            field: None,
            severity: Severity::Error,
            fix: None,
        }
    }

    /// A warning of the whole pipeline.
    pub fn warning(code: ProblemCode) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code)
        }
    }

    /// Pins it to a job.
    #[must_use]
    pub fn at_job(mut self, job: &str) -> Self {
        self.job = Some(job.to_owned());
        self
    }

    /// Pins it to a field.
    #[must_use]
    pub fn at_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what mends it.
    #[must_use]
    pub fn with_fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// The sentence for people.
    pub fn message(&self, locale: Locale) -> String {
        match locale {
            Locale::ZhCn => self.code.zh(),
            Locale::En => self.code.en(),
        }
    }
}

impl ProblemCode {
    fn en(&self) -> String {
        match self {
            Self::Cycle { path } => {
                format!("These jobs wait for each other: {path}. Remove one of the needs.")
            }
            Self::DuplicateName { name } => {
                format!("Another job is called “{name}”. Give this one another name.")
            }
            Self::DuplicateId { id } => format!("Two jobs have the id {id}. Duplicate the job again."),
            Self::EmptyName => "The job has no name. Give it one.".into(),
            Self::LongName => "The name has more than 255 characters. Shorten it.".into(),
            Self::ReservedName { name } => {
                format!("“{name}” is a keyword of GitLab and cannot name a job. Choose another name.")
            }
            Self::UnknownNeed { need } => {
                format!("Needs “{need}”, which is not in this pipeline. Remove the need.")
            }
            Self::NeedOfLaterStage { need } => {
                format!("Needs “{need}”, which runs in a later stage. Move one of the two.")
            }
            Self::TooManyNeeds => "GitLab allows 50 needs per job. Remove some.".into(),
            Self::UnknownStage { stage } => {
                format!("The stage “{stage}” does not exist. Add it or choose another.")
            }
            Self::DuplicateStage { stage } => format!("The stage “{stage}” stands here twice. Remove one."),
            Self::NoJobs => "The pipeline has no job. Add one.".into(),
            Self::UnknownStep { step } => format!("Slipway does not know the step “{step}”. Replace it."),
            Self::EmptyScript => "The job has no commands. Write at least one.".into(),
            Self::MissingProducer { path } => {
                format!("Uses {path}, which no job before it makes. Add a need of the job that makes it.")
            }
            Self::SecretOnUnprotectedRef { secret } => format!(
                "Uses the secret {secret} on branches that are not protected; whoever can push could read it. Run the job on the default branch only."
            ),
            Self::DeployWithoutEnvironment => "Deploys, but names no environment. Choose one.".into(),
            Self::TwoImages => "Builds two images in one job. Split one into its own job.".into(),
            Self::MustStandAlone { step } => {
                format!("“{}” needs a job for itself. Split it into its own job.", step.en)
            }
            Self::RetryOutOfRange => "GitLab tries again at most twice. Choose 0, 1 or 2.".into(),
            Self::TooManyCaches => "GitLab allows four caches per job. Remove some.".into(),
            Self::RefusedValue { param, message } => format!("{param}: {}", message.text(Locale::En)),
        }
    }

    fn zh(&self) -> String {
        match self {
            Self::Cycle { path } => format!("这些作业互相等待：{path}。请移除其中一个依赖。"),
            Self::DuplicateName { name } => format!("已有名为“{name}”的作业，请换一个名称。"),
            Self::DuplicateId { id } => format!("两个作业的标识同为 {id}，请重新复制该作业。"),
            Self::EmptyName => "作业没有名称，请填写名称。".into(),
            Self::LongName => "名称超过 255 个字符，请缩短。".into(),
            Self::ReservedName { name } => {
                format!("“{name}”是 GitLab 的关键字，不能用作作业名称，请换一个。")
            }
            Self::UnknownNeed { need } => format!("依赖的“{need}”不在此流水线中，请移除该依赖。"),
            Self::NeedOfLaterStage { need } => format!("依赖的“{need}”在更靠后的阶段运行，请移动其中一个。"),
            Self::TooManyNeeds => "GitLab 每个作业最多 50 个依赖，请减少。".into(),
            Self::UnknownStage { stage } => format!("阶段“{stage}”不存在，请添加或另选一个。"),
            Self::DuplicateStage { stage } => format!("阶段“{stage}”重复出现，请移除一个。"),
            Self::NoJobs => "流水线没有作业，请添加一个。".into(),
            Self::UnknownStep { step } => format!("Slipway 不认识步骤“{step}”，请替换它。"),
            Self::EmptyScript => "作业没有命令，请至少填写一条。".into(),
            Self::MissingProducer { path } => {
                format!("用到 {path}，但之前没有作业生成它。请依赖生成它的作业。")
            }
            Self::SecretOnUnprotectedRef { secret } => {
                format!(
                    "在未受保护的分支上使用密钥 {secret}，有推送权限的人都可能读到它。请只在默认分支上运行。"
                )
            }
            Self::DeployWithoutEnvironment => "这是部署，但没有指定环境，请选择一个。".into(),
            Self::TwoImages => "一个作业构建了两个镜像，请将其中一个拆分为独立作业。".into(),
            Self::MustStandAlone { step } => format!("“{}”需要独占一个作业，请将其拆分出来。", step.zh),
            Self::RetryOutOfRange => "GitLab 最多重试两次，请选择 0、1 或 2。".into(),
            Self::TooManyCaches => "GitLab 每个作业最多四个缓存，请减少。".into(),
            Self::RefusedValue { param, message } => format!("{param}：{}", message.text(Locale::ZhCn)),
        }
    }
}
