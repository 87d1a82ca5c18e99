//! An import at work: one repository a turn, in the name of whoever started it.
//!
//! A turn asks GitLab about the repository, then makes the app, connects it and notes both at the repository's row in
//! one transaction. It may die anywhere: what was committed is not done again, what was not is.

use super::entry;
use crate::access::{self, Authorized, Project, may};
use crate::change::Entry;
use crate::context::{Actor, OpCtx, Via};
use crate::error::{Error, Result};
use crate::jobs::Next;
use crate::ports::{ConnectionRecord, ForgeError, ForgeProject, ImportItemRecord, ImportRecord, StoreError};
use crate::{app, connection, fault, repository};
use slipway_domain::audit::Outcome;
use slipway_domain::id::{AppId, ImportId, ProjectId};
use slipway_domain::import::{ImportState, ItemState, free_slug};
use slipway_domain::text::{Locale, Text};
use slipway_domain::time::{SECOND, Timestamp};
use std::collections::BTreeSet;

/// How often GitLab may fail to answer about one repository before it is given up.
const TRIES: i64 = 5;

/// How many repositories in a row may be given up like that before the import stops.
const GIVEN_UP: i64 = 2;

/// The longest description of an app, in characters.
const DESCRIPTION_MOST: usize = 2000;

/// An import, and Slipway's own right to write down how far it is.
struct Turn<'a> {
    system: &'a OpCtx,
    project: Authorized<Project, may::AppCreate>,
    import: ImportRecord,
}

/// Takes the next turn of an import.
pub(crate) async fn run(system: &OpCtx, project: ProjectId, id: ImportId) -> Result<Next> {
    let project = match access::project_by_id::<may::AppCreate>(system, project).await {
        Ok(project) => project,
        Err(Error::NotFound) => return Ok(Next::Done),
        Err(error) => return Err(error),
    };
    let mut tx = system.read().await?;
    let Some(import) = tx.import(&project.see(), id).await? else {
        return Ok(Next::Done);
    };
    let item = tx.next_import_item(&project.see(), id).await?;
    drop(tx);
    if import.state != ImportState::Running {
        return Ok(Next::Done);
    }
    if let Some(at) = import.retry_at.filter(|at| *at > system.now()) {
        return Ok(Next::At(at));
    }
    let turn = Turn {
        system,
        project,
        import,
    };
    match item {
        Some(item) => turn.take(item).await,
        None => turn.end().await,
    }
}

impl Turn<'_> {
    async fn take(&self, item: ImportItemRecord) -> Result<Next> {
        let person = self.import.by.clone();
        let ctx = self
            .system
            .portal()
            .ctx(Actor::User(person), Via::System, "job-import", Locale::En);
        let project = match self.still_allowed(&ctx).await {
            Ok(project) => project,
            Err(error) => match self.why_not(&error) {
                Some(reason) => return self.stop(reason).await,
                None => return Err(error),
            },
        };
        let found = self
            .system
            .read()
            .await?
            .connection(project.org_id(), self.import.connection)
            .await?;
        let Some(record) = found else {
            return self.stop(connection_gone()).await;
        };
        let answer = match connection::open(&ctx, &record) {
            Ok(forge) => forge.project(item.repository).await,
            Err(error) => Err(error),
        };
        connection::note(self.system, &record, self.system.now(), answer.as_ref().err()).await?;
        fault::point("import.asked");
        match answer {
            Ok(found) => self.make(&ctx, &project, &record, item, &found).await,
            Err(error) => self.trouble(item, &error).await,
        }
    }

    /// What the person it runs for may do now.
    async fn still_allowed(&self, ctx: &OpCtx) -> Result<Authorized<Project, may::AppCreate>> {
        let project = access::project_by_id::<may::AppCreate>(ctx, self.project.id()).await?;
        access::sees_connections(ctx, &project).await?;
        Ok(project)
    }

    /// Why an import cannot go on that its person may no longer do; `None`: that is not it.
    fn why_not(&self, error: &Error) -> Option<Text> {
        match error {
            Error::NotFound | Error::Forbidden(_) | Error::Unauthenticated => {
                let name = &self.import.by.name;
                Some(Text::new(
                    format!(
                        "{name}, in whose name it ran, may no longer create and connect apps here. Somebody who may can \
                         go on with it."
                    ),
                    format!("发起人 {name} 已无权在此创建和连接应用。有权限的人可以继续该导入。"),
                ))
            }
            Error::Refused { text, .. } => Some(text.clone()),
            _ => None,
        }
    }

    async fn make(
        &self,
        ctx: &OpCtx,
        project: &Authorized<Project, may::AppCreate>,
        record: &ConnectionRecord,
        mut item: ImportItemRecord,
        found: &ForgeProject,
    ) -> Result<Next> {
        let (id, place) = (self.import.id, project.place());
        let app = ctx.id::<AppId>();
        let mut change = ctx.change().await?;
        // Whoever makes an app here or connects the same repository meanwhile is waited for.
        change.tx().lock_org(project.org_id()).await?;
        let taken: BTreeSet<String> = change
            .tx()
            .taken_app_slugs(&project.see())
            .await?
            .into_iter()
            .collect();
        let slug = free_slug(&item.slug, &taken);
        item.reason = (slug != item.slug).then(|| renamed(&item.slug, &slug));
        let input = app::Input {
            slug: slug.clone(),
            name: item.name.clone(),
            description: found.description.chars().take(DESCRIPTION_MOST).collect(),
        };
        item.slug = slug;
        item.path.clone_from(&found.path);
        item.state = ItemState::Done;
        item.app = Some(app);
        item.ended_at = Some(ctx.now());
        match change.tx().settle_import_item(&project.modify(), id, &item).await {
            Ok(()) => {}
            // Another worker was faster, or it was stopped meanwhile.
            Err(StoreError::Gone) => return Ok(Next::At(ctx.now())),
            Err(error) => return Err(error.into()),
        }
        match app::insert(&mut change, project, app, &input).await {
            Ok(()) => {}
            Err(error @ Error::Invalid(_)) => {
                drop(change);
                return self.fail(item, error.text()).await;
            }
            Err(error) => return Err(error),
        }
        let users = change
            .tx()
            .apps_of_repository(record.connection.id, item.repository)
            .await?;
        if !users.is_empty() {
            drop(change);
            let user = repository::user_of(ctx, record.connection.id, item.repository).await?;
            let name = user.map_or_else(|| String::from("…"), |(_, name)| name);
            return self.settle(item, ItemState::Skipped, taken_by(&name)).await;
        }
        let made = access::just_imported(change.tx(), project, app).await?;
        repository::attach(&mut change, &made, record, found).await?;
        if self.import.trouble.is_some() || self.import.exhausted > 0 {
            let calm = ImportRecord {
                trouble: None,
                retry_at: None,
                exhausted: 0,
                ..self.import.clone()
            };
            change
                .tx()
                .update_import(&project.modify(), &calm, ImportState::Running)
                .await?;
        }
        change.touch("import", id, &place);
        fault::point("import.making");
        change.commit().await?;
        fault::point("import.made");
        self.hook(ctx, &made, item).await
    }

    /// Asks for the webhook now, so that the app's page tells at once; the look at the repository would do it too.
    async fn hook(
        &self,
        ctx: &OpCtx,
        made: &Authorized<access::App, may::AppManage>,
        item: ImportItemRecord,
    ) -> Result<Next> {
        match repository::ask_for_hook(ctx, made).await {
            Ok(None) => {}
            Ok(Some(trouble)) => {
                let note = match item.reason {
                    Some(before) => Text::new(
                        format!("{} {}", before.en, trouble.en),
                        format!("{}{}", before.zh, trouble.zh),
                    ),
                    None => trouble,
                };
                let mut change = self.system.change().await?;
                change.bookkeeping();
                change
                    .tx()
                    .note_import_item(&self.project.modify(), self.import.id, item.repository, &note)
                    .await?;
                change.touch("import", self.import.id, &self.project.place());
                change.commit().await?;
            }
            Err(error) => tracing::warn!(%error, "the webhook of an imported app is asked for again later"),
        }
        fault::point("import.hooked");
        Ok(Next::At(self.system.now()))
    }

    /// GitLab did not tell of the repository.
    async fn trouble(&self, mut item: ImportItemRecord, error: &ForgeError) -> Result<Next> {
        let now = self.system.now();
        match error {
            ForgeError::BadToken | ForgeError::Unauthorized(_) | ForgeError::OutOfBounds(_) => {
                self.stop(error.text()).await
            }
            ForgeError::Limited { retry_after } => {
                let pause = i64::try_from(*retry_after).unwrap_or(60).saturating_mul(SECOND);
                self.wait(item, error.text(), now.plus(pause)).await
            }
            ForgeError::Unreachable(_) | ForgeError::Broken(_) => {
                item.tries += 1;
                if item.tries < TRIES {
                    let pause = SECOND << item.tries.clamp(1, 10);
                    return self.wait(item, error.text(), now.plus(pause)).await;
                }
                self.give_up(item, error).await
            }
            ForgeError::NotFound(_) => {
                self.fail(
                    item,
                    Text::new(
                        "GitLab no longer has this repository, or the connection's token may not see it. Give the token \
                         access, then try again.",
                        "GitLab 中已没有该仓库，或连接所用的令牌无权查看。请为令牌授权后重试。",
                    ),
                )
                .await
            }
            ForgeError::Forbidden(_) => {
                let said = error.text();
                self.fail(
                    item,
                    Text::new(
                        format!("{} Give the token access, then try again.", said.en),
                        format!("{}请为令牌授权后重试。", said.zh),
                    ),
                )
                .await
            }
            ForgeError::Refused(_) => self.fail(item, error.text()).await,
        }
    }

    /// Waits and tries the same repository again.
    async fn wait(&self, item: ImportItemRecord, trouble: Text, at: Timestamp) -> Result<Next> {
        let waiting = ImportRecord {
            trouble: Some(trouble),
            retry_at: Some(at),
            ..self.import.clone()
        };
        let modify = self.project.modify();
        let mut change = self.system.change().await?;
        change.bookkeeping();
        let tx = change.tx();
        let kept = async {
            tx.settle_import_item(&modify, waiting.id, &item).await?;
            tx.update_import(&modify, &waiting, ImportState::Running).await
        };
        match kept.await {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(Next::At(self.system.now())),
            Err(error) => return Err(error.into()),
        }
        change.touch("import", waiting.id, &self.project.place());
        change.commit().await?;
        Ok(Next::At(at))
    }

    /// GitLab did not answer about one repository often enough; after some of these the import stops.
    async fn give_up(&self, item: ImportItemRecord, error: &ForgeError) -> Result<Next> {
        let what = match error {
            ForgeError::Broken(what) | ForgeError::Unreachable(what) => what.as_str(),
            _ => "",
        };
        let reason = Text::new(
            format!("GitLab did not answer about it {TRIES} times ({what}). Try again once it does."),
            format!("GitLab 连续 {TRIES} 次未能应答（{what}）。待其恢复后请重试。"),
        );
        let exhausted = self.import.exhausted + 1;
        let next = self.fail(item, reason).await?;
        if exhausted >= GIVEN_UP {
            return self
                .stop(Text::new(
                    format!(
                        "GitLab did not answer about {exhausted} repositories in a row. Look whether it is well, then go on."
                    ),
                    format!("GitLab 连续 {exhausted} 个仓库未能应答。请确认其恢复正常后继续。"),
                ))
                .await;
        }
        let counted = ImportRecord {
            trouble: None,
            retry_at: None,
            exhausted,
            ..self.import.clone()
        };
        self.keep(&counted).await?;
        Ok(next)
    }

    async fn fail(&self, item: ImportItemRecord, reason: Text) -> Result<Next> {
        self.settle(item, ItemState::Failed, reason).await
    }

    /// A repository ends without an app of its own.
    async fn settle(&self, mut item: ImportItemRecord, state: ItemState, reason: Text) -> Result<Next> {
        let place = self.project.place();
        item.state = state;
        item.app = None;
        item.ended_at = Some(self.system.now());
        let said = reason.en.clone();
        item.reason = Some(reason);
        let mut change = self.system.change().await?;
        let settled = change
            .tx()
            .settle_import_item(&self.project.modify(), self.import.id, &item)
            .await;
        match settled {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(Next::At(self.system.now())),
            Err(error) => return Err(error.into()),
        }
        let summary = serde_json::json!({
            "repository": item.path, "state": state.key(), "reason": said, "for": self.import.by.username,
        });
        let outcome = if state == ItemState::Failed {
            Outcome::Failed
        } else {
            Outcome::Refused
        };
        change
            .audit(Entry {
                outcome,
                ..entry("import.repository", &self.import, &place, summary)
            })
            .await?;
        change.touch("import", self.import.id, &place);
        change.commit().await?;
        Ok(Next::At(self.system.now()))
    }

    /// Keeps what changed of a running import; whether it still ran.
    async fn keep(&self, changed: &ImportRecord) -> Result<bool> {
        let mut change = self.system.change().await?;
        change.bookkeeping();
        let kept = change
            .tx()
            .update_import(&self.project.modify(), changed, ImportState::Running)
            .await;
        match kept {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        change.touch("import", changed.id, &self.project.place());
        change.commit().await?;
        Ok(true)
    }

    /// The import cannot go on.
    async fn stop(&self, reason: Text) -> Result<Next> {
        let place = self.project.place();
        let stopped = ImportRecord {
            state: ImportState::Stopped,
            trouble: None,
            retry_at: None,
            ended_at: Some(self.system.now()),
            reason: Some(reason.clone()),
            ..self.import.clone()
        };
        let mut change = self.system.change().await?;
        let kept = change
            .tx()
            .update_import(&self.project.modify(), &stopped, ImportState::Running)
            .await;
        match kept {
            Ok(()) => {}
            Err(StoreError::Gone) => return Ok(Next::Done),
            Err(error) => return Err(error.into()),
        }
        let summary = serde_json::json!({ "reason": reason.en, "for": self.import.by.username });
        change
            .audit(Entry {
                outcome: Outcome::Refused,
                ..entry("import.stop", &self.import, &place, summary)
            })
            .await?;
        change.touch("import", stopped.id, &place);
        change.commit().await?;
        fault::point("import.ended");
        Ok(Next::Done)
    }

    /// No repository waits any more.
    async fn end(&self) -> Result<Next> {
        let done = ImportRecord {
            state: ImportState::Done,
            trouble: None,
            retry_at: None,
            ended_at: Some(self.system.now()),
            ..self.import.clone()
        };
        self.keep(&done).await?;
        fault::point("import.ended");
        Ok(Next::Done)
    }
}

fn connection_gone() -> Text {
    Text::new(
        "The connection to GitLab was removed. Import the group again through another one.",
        "GitLab 连接已被删除，请通过其他连接重新导入该群组。",
    )
}

fn renamed(wanted: &str, got: &str) -> Text {
    Text::new(
        format!("“{wanted}” was taken meanwhile, so its address is “{got}”."),
        format!("“{wanted}”已被占用，因此其地址为“{got}”。"),
    )
}

fn taken_by(app: &str) -> Text {
    Text::new(
        format!("The app “{app}” uses this repository already."),
        format!("应用“{app}”已在使用该仓库。"),
    )
}
