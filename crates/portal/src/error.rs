//! What a use case can answer instead of a result.

use crate::ports::StoreError;
use slipway_domain::access::{Action, Role};
use slipway_domain::name::NameError;
use slipway_domain::text::Text;
use slipway_domain::token::Scope;

/// The result of a use case.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The code of [`Error::version_mismatch`].
pub const VERSION_MISMATCH: &str = "version_mismatch";

/// What is wrong with one field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the input.
    pub field: String,
    /// What is wrong, and what to do.
    pub text: Text,
}

/// Who may not do what, and who could change that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// What was tried.
    pub action: Action,
    /// The built-in roles that would allow it here.
    pub roles: Vec<Role>,
    /// The names of the organization's own roles that would.
    pub custom: Vec<String>,
    /// Names of people who can grant one of them.
    pub granters: Vec<String>,
}

/// Why a use case refused or failed. Mapped once, at the edge, to RFC 9457 problem+json.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not there, or the actor may not know that it is.
    #[error("not found")]
    NotFound,
    /// Nobody is signed in.
    #[error("not signed in")]
    Unauthenticated,
    /// The actor sees the place but may not do this.
    #[error("not allowed: {}", .0.action.key())]
    Forbidden(Box<Denial>),
    /// The actor might, but the token they sent has not this scope.
    #[error("the token lacks the scope {}", .0.key())]
    Scope(Scope),
    /// The input is wrong, field by field.
    #[error("the input is wrong in {} place(s)", .0.len())]
    Invalid(Vec<FieldError>),
    /// Somebody changed the same meanwhile: field by field, what stands there and what was sent.
    #[error("{} field(s) were changed meanwhile", .0.len())]
    Stale(Vec<FieldError>),
    /// The world changed meanwhile; `text` says how.
    #[error("conflict: {code}")]
    Conflict {
        /// A stable code.
        code: &'static str,
        /// What happened, and what to do.
        text: Text,
    },
    /// A rule says no; `text` says which and what to do.
    #[error("refused: {code}")]
    Refused {
        /// A stable code.
        code: &'static str,
        /// Why, and what to do.
        text: Text,
    },
    /// A rule says no to this very person, whatever roles they hold; `text` says which and who may.
    #[error("barred: {code}")]
    Barred {
        /// A stable code.
        code: &'static str,
        /// Why, and what to do.
        text: Text,
    },
    /// Too many tries.
    #[error("too many tries")]
    Limited {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// GitLab, a cluster or the database does not answer.
    #[error("{code} is not available")]
    Unavailable {
        /// Which: `gitlab`, `kubernetes`, `mail`, `attachments`, `database`.
        code: &'static str,
        /// What happened, and what to do.
        text: Text,
    },
    /// Something is broken inside; the log has it under the request id.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// One wrong field.
    pub fn field(field: &str, text: Text) -> Self {
        Self::Invalid(vec![FieldError {
            field: field.to_owned(),
            text,
        }])
    }

    /// A wrong name.
    pub fn name(field: &str, error: NameError) -> Self {
        Self::field(field, error.text())
    }

    /// A refusal by a rule.
    pub fn refused(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::Refused {
            code,
            text: Text::new(en, zh),
        }
    }

    /// A conflict with what others did.
    pub fn conflict(code: &'static str, en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self::Conflict {
            code,
            text: Text::new(en, zh),
        }
    }

    /// An update was made from a version that is not the newest any more.
    pub fn version_mismatch() -> Self {
        Self::conflict(
            VERSION_MISMATCH,
            "It was changed since the version that you sent. Read it again, then repeat the change.",
            "内容自你所用的版本之后已被修改。请重新读取后再提交。",
        )
    }

    /// What is wrong field by field, where anything is.
    pub fn fields(&self) -> &[FieldError] {
        match self {
            Self::Invalid(fields) | Self::Stale(fields) => fields,
            _ => &[],
        }
    }

    /// Something broken inside.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }

    /// The stable code, as in `not_found`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Scope(_) => "insufficient_scope",
            Self::Invalid(_) => "invalid",
            Self::Stale(_) => VERSION_MISMATCH,
            Self::Conflict { code, .. }
            | Self::Refused { code, .. }
            | Self::Barred { code, .. }
            | Self::Unavailable { code, .. } => code,
            Self::Limited { .. } => "too_many_tries",
            Self::Internal(_) => "internal",
        }
    }

    /// What happened, and what to do, for people.
    pub fn text(&self) -> Text {
        match self {
            Self::NotFound => Text::new(
                "There is nothing here, or you may not see it.",
                "这里没有内容，或者你无权查看。",
            ),
            Self::Unauthenticated => Text::new("Sign in first.", "请先登录。"),
            Self::Forbidden(denial) => denial.text(),
            Self::Scope(scope) => Text::new(
                format!(
                    "This token may not do that: it lacks the scope “{}”. Make one that has it on the page “API tokens”.",
                    scope.key()
                ),
                format!(
                    "该令牌缺少权限范围“{}”。请在“API 令牌”页面创建包含该范围的令牌。",
                    scope.key()
                ),
            ),
            Self::Invalid(fields) => match fields.as_slice() {
                [one] => one.text.clone(),
                more => Text::new(
                    format!("{} fields need your attention.", more.len()),
                    format!("有 {} 处需要修改。", more.len()),
                ),
            },
            Self::Stale(_) => Text::new(
                "Somebody changed it meanwhile. Nothing was saved, and nothing that you typed is lost: compare both values, then save again.",
                "内容已被他人修改，尚未保存，你填写的内容仍保留。请对比两个值后再次保存。",
            ),
            Self::Conflict { text, .. }
            | Self::Refused { text, .. }
            | Self::Barred { text, .. }
            | Self::Unavailable { text, .. } => text.clone(),
            Self::Limited { retry_after } => Text::new(
                format!("Too many tries. Wait {retry_after} seconds, then try again."),
                format!("尝试次数过多，请在 {retry_after} 秒后重试。"),
            ),
            Self::Internal(_) => Text::new(
                "Something went wrong on our side. Try again; if it stays, tell your administrator the request id.",
                "服务内部出错。请重试；如仍失败，请将请求编号告知管理员。",
            ),
        }
    }
}

impl Denial {
    /// Who may not do what, which roles may, and whom to ask.
    pub fn text(&self) -> Text {
        let action = self.action.text();
        let list = |pick: fn(&Text) -> &String, between: &str| {
            let built_in = self.roles.iter().map(|r| pick(&r.text()).clone());
            built_in
                .chain(self.custom.iter().cloned())
                .collect::<Vec<_>>()
                .join(between)
        };
        let (ask_en, ask_zh) = if self.granters.is_empty() {
            (
                String::from("Ask an owner of the organization."),
                String::from("请联系组织所有者。"),
            )
        } else {
            let names = self.granters.join(", ");
            (format!("{names} can grant it."), format!("可由 {names} 授予。"))
        };
        Text::new(
            format!(
                "You may not {} here. It takes one of these roles: {}. {ask_en}",
                action.en,
                list(|t| &t.en, ", ")
            ),
            format!(
                "你无权在此{}。需要以下角色之一：{}。{ask_zh}",
                action.zh,
                list(|t| &t.zh, "、")
            ),
        )
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Unavailable {
                code: "database_full",
                text: Text::new(
                    "The disk of Slipway's database is full. Nothing was changed. Ask your administrator to free some space, then try again.",
                    "Slipway 数据库所在磁盘已满，未做任何更改。请联系管理员释放空间后重试。",
                ),
            },
            StoreError::Unavailable(source) => {
                tracing::error!(error = %source, "the database does not answer");
                Self::Unavailable {
                    code: "database",
                    text: Text::new(
                        "The database does not answer. Nothing was changed. Try again in a moment.",
                        "数据库无响应，未做任何更改。请稍后重试。",
                    ),
                }
            }
            StoreError::Gone => Self::Conflict {
                code: "changed_meanwhile",
                text: Text::new(
                    "Somebody changed this meanwhile. Reload the page and look again.",
                    "内容已被他人修改。请刷新页面后再试。",
                ),
            },
            other => Self::internal(other),
        }
    }
}
