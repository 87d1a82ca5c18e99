//! What people write into an item: reading it, checking it, and bringing edits of one item together.

use super::clash;
use super::moves::{may_move, same_version};
use crate::access::may::{Modify, See};
use crate::access::{self, Authorized, Project, may};
use crate::change::{Change, Entry};
use crate::context::OpCtx;
use crate::error::{Error, FieldError, Result};
use crate::markdown;
use crate::mirror;
use crate::notice::tell as notice;
use crate::ports::{ItemRecord, NewItemEvent};
use crate::subscriber::event;
use slipway_domain::id::{AppId, EnvironmentId, IterationId, ReleaseId, TypedId, UserId};
use slipway_domain::item::{
    Card, Clash, Content, Field, FieldChange, ItemChoices, ItemEdit, ItemEvent, ItemKind, Labels, Named,
    Priority, Severity, Value, merge,
};
use slipway_domain::text::Text;

/// What becomes of a field that may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Set<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is emptied.
    Clear,
    /// It holds this.
    To(T),
}

impl<T> From<Option<T>> for Set<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Clear, Self::To)
    }
}

/// What becomes of an item. `None` and [`Set::Keep`] leave a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// In one line.
    pub title: Option<String>,
    /// Markdown.
    pub description: Option<String>,
    /// How soon it is wanted.
    pub priority: Option<Priority>,
    /// How bad, for bugs.
    pub severity: Option<Severity>,
    /// Who does it: someone with a role in the project or above.
    pub assignee: Set<UserId>,
    /// An iteration that is not closed.
    pub iteration: Set<IterationId>,
    /// The app it is about.
    pub app: Set<AppId>,
    /// The key of what it is a part of, as in `CHK-12`; empty: nothing.
    pub parent: Option<String>,
    /// Labels, with commas between them.
    pub labels: Option<String>,
    /// The estimate, 0 to 100.
    pub points: Set<i64>,
    /// `YYYY-MM-DD`, or empty.
    pub starts_on: Option<String>,
    /// `YYYY-MM-DD`, or empty.
    pub due_on: Option<String>,
    /// An app and a version, as in `order-api 2.4.1`, or empty.
    pub found_release: Option<String>,
    /// Where it was found.
    pub found_environment: Set<EnvironmentId>,
    /// As `found_release`.
    pub fixed_release: Option<String>,
    /// Where the fix was seen.
    pub fixed_environment: Set<EnvironmentId>,
}

/// From which version an edit was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// From whichever: the edit goes on top of what is there.
    Any,
    /// From this one, and it must still be the newest: `If-Match` of HTTP.
    Exactly(i64),
    /// From this one: what others changed since is brought together with it, field by field.
    Since(i64),
}

/// The longest title, in characters.
const TITLE_MAX: usize = 200;
/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 50_000;

#[derive(Default)]
struct Wrong(Vec<FieldError>);

impl Wrong {
    fn add(&mut self, field: Field, text: Text) {
        self.0.push(FieldError {
            field: field.key().to_owned(),
            text,
        });
    }

    fn say(&mut self, field: Field, en: &str, zh: &str) {
        self.add(field, Text::new(en, zh));
    }
}

/// `content` as `edit` has it, with the names of what it refers to.
///
/// # Errors
/// Every field that is wrong; the database does not answer.
pub(super) async fn resolve(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    kind: ItemKind,
    mut content: Content,
    edit: Edit,
) -> Result<Content> {
    let mut wrong = Wrong::default();
    words(&mut content, &edit, &mut wrong);
    content.priority = edit.priority.unwrap_or(content.priority);
    content.severity =
        (kind == ItemKind::Bug).then(|| edit.severity.or(content.severity).unwrap_or(Severity::Normal));
    match edit.assignee {
        Set::Keep => {}
        Set::Clear => content.assignee = None,
        Set::To(id) if content.assignee.as_ref().is_some_and(|is| is.id == id) => {}
        Set::To(id) => {
            let members = change.tx().members(project.org_id(), Some(project.id())).await?;
            match members.into_iter().find(|member| member.person.id == id) {
                Some(member) => {
                    content.assignee = Some(Named {
                        id,
                        name: member.person.name,
                    });
                }
                None => wrong.say(
                    Field::Assignee,
                    "this person has no role here",
                    "此人在该项目中没有角色",
                ),
            }
        }
    }
    if let Some(typed) = &edit.parent {
        parent(change, project, kind, &mut content, typed, &mut wrong).await?;
    }
    for (field, typed) in [
        (Field::FoundRelease, &edit.found_release),
        (Field::FixedRelease, &edit.fixed_release),
    ] {
        if let Some(typed) = typed {
            release(change, project, &mut content, field, typed, &mut wrong).await?;
        }
    }
    let choices = if matches!(
        (
            &edit.iteration,
            &edit.app,
            &edit.found_environment,
            &edit.fixed_environment
        ),
        (
            Set::Keep | Set::Clear,
            Set::Keep | Set::Clear,
            Set::Keep | Set::Clear,
            Set::Keep | Set::Clear
        )
    ) {
        ItemChoices::default()
    } else {
        change.tx().item_choices(project).await?
    };
    pick(
        &mut content.iteration,
        edit.iteration,
        &choices.iterations,
        Field::Iteration,
        &mut wrong,
    );
    pick(&mut content.app, edit.app, &choices.apps, Field::App, &mut wrong);
    for (held, set, field) in [
        (
            &mut content.found_environment,
            edit.found_environment,
            Field::FoundEnvironment,
        ),
        (
            &mut content.fixed_environment,
            edit.fixed_environment,
            Field::FixedEnvironment,
        ),
    ] {
        pick(held, set, &choices.environments, field, &mut wrong);
    }
    if wrong.0.is_empty() {
        Ok(content)
    } else {
        Err(Error::Invalid(wrong.0))
    }
}

/// The fields that refer to nothing.
fn words(content: &mut Content, edit: &Edit, wrong: &mut Wrong) {
    if let Some(title) = &edit.title {
        title.trim().clone_into(&mut content.title);
        if content.title.is_empty() {
            wrong.say(Field::Title, "say in one line what it is", "请用一句话说明内容");
        } else if content.title.chars().count() > TITLE_MAX {
            wrong.say(
                Field::Title,
                "use at most 200 characters; the rest fits in the description",
                "标题最多 200 个字符，其余请写在描述中",
            );
        }
    }
    if let Some(description) = &edit.description {
        // A browser sends other ends of lines than it was given.
        content.description = description.replace("\r\n", "\n");
        if content.description.chars().count() > DESCRIPTION_MAX {
            wrong.say(
                Field::Description,
                "use at most 50,000 characters",
                "描述最多 50000 个字符",
            );
        }
    }
    if let Some(labels) = &edit.labels {
        match Labels::parse(labels) {
            Ok(labels) => content.labels = labels,
            Err(text) => wrong.add(Field::Labels, text),
        }
    }
    match edit.points {
        Set::Keep => {}
        Set::Clear => content.points = None,
        Set::To(points) if (0..=100).contains(&points) => content.points = Some(points),
        Set::To(_) => wrong.say(
            Field::Points,
            "use a number from 0 to 100",
            "请填写 0 到 100 之间的数字",
        ),
    }
    day(
        &mut content.starts_on,
        edit.starts_on.as_deref(),
        Field::Start,
        wrong,
    );
    day(&mut content.due_on, edit.due_on.as_deref(), Field::Due, wrong);
    if let (Some(start), Some(due)) = (&content.starts_on, &content.due_on)
        && start > due
        && (edit.starts_on.is_some() || edit.due_on.is_some())
    {
        wrong.add(
            Field::Start,
            Text::new(
                format!("it is due on {due}: begin on that day or before, or change the day it is due"),
                format!("截止日期为 {due}，请填写不晚于该日的开始日期，或修改截止日期"),
            ),
        );
    }
}

/// A day that was typed; nothing typed: none.
fn day(held: &mut Option<String>, typed: Option<&str>, field: Field, wrong: &mut Wrong) {
    let Some(day) = typed.map(str::trim) else {
        return;
    };
    if day.is_empty() {
        *held = None;
    } else if day.parse::<jiff::civil::Date>().is_ok() {
        *held = Some(day.to_owned());
    } else {
        wrong.say(field, "use a day such as 2026-11-21", "请填写日期，如 2026-11-21");
    }
}

fn pick<I: TypedId + PartialEq>(
    held: &mut Option<Named<I>>,
    set: Set<I>,
    choices: &[Named<I>],
    field: Field,
    wrong: &mut Wrong,
) {
    match set {
        Set::Keep => {}
        Set::Clear => *held = None,
        // What was there may stay, also where nobody could choose it any more.
        Set::To(id) if held.as_ref().is_some_and(|is| is.id == id) => {}
        Set::To(id) => match choices.iter().find(|choice| choice.id == id) {
            Some(choice) => *held = Some(choice.clone()),
            None => wrong.say(field, "this is not in the project", "该项目中没有此项"),
        },
    }
}

async fn parent(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    kind: ItemKind,
    content: &mut Content,
    typed: &str,
    wrong: &mut Wrong,
) -> Result<()> {
    let typed = typed.trim();
    if typed.is_empty() {
        content.parent = None;
        return Ok(());
    }
    let number = number_of(typed, &project.project.key);
    let found = match number {
        Some(number) => change.tx().item(project, number).await?,
        None => None,
    };
    match found {
        None => wrong.say(
            Field::Parent,
            "there is no such item in this project; use a key such as ABC-12",
            "该项目中没有此事项，请填写如 ABC-12 的编号",
        ),
        Some(found) if !found.card.kind.contains(kind) => {
            let (whole, part) = (found.card.kind.text(), kind.text());
            wrong.add(
                Field::Parent,
                Text::new(
                    format!("“{}” cannot be a part of “{}”", part.en, whole.en),
                    format!("“{}”不能属于“{}”", part.zh, whole.zh),
                ),
            );
        }
        Some(found) => {
            content.parent = Some(Named {
                id: found.card.id,
                name: found.card.key,
            });
        }
    }
    Ok(())
}

/// The number of `CHK-12`, of `12`, or of `chk-12`, in the project whose items are called `CHK-…`.
pub(super) fn number_of(typed: &str, key: &str) -> Option<i64> {
    let typed = typed.trim();
    let number = match typed.rsplit_once('-') {
        Some((of, number)) if of.eq_ignore_ascii_case(key) => number,
        Some(_) => return None,
        None => typed,
    };
    number.parse().ok().filter(|number| *number > 0)
}

async fn release(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    content: &mut Content,
    field: Field,
    typed: &str,
    wrong: &mut Wrong,
) -> Result<()> {
    let typed = typed.trim();
    let held = content.get(field);
    if typed == held.said {
        return Ok(());
    }
    if typed.is_empty() {
        content.set(field, &Value::default());
        return Ok(());
    }
    let found: Option<ReleaseId> = match typed.split_once(char::is_whitespace) {
        Some((app, version)) => change.tx().release_called(project, app, version.trim()).await?,
        None => None,
    };
    match found {
        Some(id) => content.set(
            field,
            &Value {
                key: id.to_string(),
                said: typed.to_owned(),
            },
        ),
        None => wrong.say(
            field,
            "there is no such release; use an app and a version, as in “order-api 2.4.1”",
            "没有此发布，请填写应用和版本，如“order-api 2.4.1”",
        ),
    }
    Ok(())
}

/// What the form of an item shows.
///
/// # Errors
/// As [`access::project`]; [`Error::NotFound`] for a number nobody has.
pub async fn edit(ctx: &OpCtx, org: &str, project: &str, number: i64) -> Result<ItemEdit> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut tx = ctx.read().await?;
    let item = tx.item(&project, number).await?.ok_or(Error::NotFound)?;
    let mut choices = tx.item_choices(&project).await?;
    for member in tx.members(project.org_id(), Some(project.id())).await? {
        if choices.people.iter().all(|known| known.id != member.person.id) {
            choices.people.push(member.person);
        }
    }
    drop(tx);
    let may_edit = may_move(ctx, &project, &item).await?;
    Ok(ItemEdit {
        place: project.place(),
        card: item.card,
        content: item.content,
        choices,
        may_edit,
    })
}

/// Changes what is written into an item.
///
/// # Errors
/// [`Error::Forbidden`], wrong fields; [`Error::Refused`] `wip_limit` where it is planned for the iteration that runs and
/// its column there is full; [`Error::Stale`] with both values of every field that somebody else changed to
/// something else since `base`.
pub async fn update(
    ctx: &OpCtx,
    org: &str,
    project: &str,
    number: i64,
    edit: Edit,
    base: Base,
) -> Result<()> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    let mut change = ctx.change().await?;
    if !matches!(edit.iteration, Set::Keep) {
        // Whether a column has room is counted while nobody else moves a card.
        change.tx().lock_board(&access::own_item(&project)?).await?;
    }
    let item = change.tx().item(&project, number).await?.ok_or(Error::NotFound)?;
    let proof = proof_to_edit(ctx, &project, &item).await?;
    let wanted = brought_together(&mut change, &project, &item, edit, base).await?;
    if record(ctx, &mut change, &proof, &project, &item, &wanted).await? {
        change.commit().await?;
    }
    Ok(())
}

/// The most items that are changed at once.
pub const BULK_MOST: usize = 200;

/// Changes the same of many items at once: all of them, or none; how many were different before.
///
/// # Errors
/// [`Error::Invalid`] `numbers` where none or too many are named, or one that nobody has; as [`update`].
pub async fn bulk(ctx: &OpCtx, org: &str, project: &str, numbers: &[i64], edit: Edit) -> Result<usize> {
    let project = access::project::<may::SeeBoards>(ctx, org, project).await?.see();
    if numbers.is_empty() || numbers.len() > BULK_MOST {
        let text = Text::new("choose 1 to 200 items", "请选择 1 到 200 个事项");
        return Err(Error::field("numbers", text));
    }
    let mut change = ctx.change().await?;
    // Two such edits of the same items in another order would wait for each other.
    change.tx().lock_board(&access::own_item(&project)?).await?;
    let mut changed = 0;
    for number in numbers {
        let Some(item) = change.tx().item(&project, *number).await? else {
            let key = format!("{}-{number}", project.project.key);
            let text = Text::new(format!("there is no {key}"), format!("没有事项 {key}"));
            return Err(Error::field("numbers", text));
        };
        let proof = proof_to_edit(ctx, &project, &item).await?;
        let wanted = resolve(
            &mut change,
            &project,
            item.card.kind,
            item.content.clone(),
            edit.clone(),
        )
        .await?;
        changed += usize::from(record(ctx, &mut change, &proof, &project, &item, &wanted).await?);
    }
    if changed > 0 {
        change.commit().await?;
    }
    Ok(changed)
}

async fn brought_together(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    edit: Edit,
    base: Base,
) -> Result<Content> {
    let (kind, now) = (item.card.kind, item.content.clone());
    let version = match base {
        Base::Exactly(version) | Base::Since(version) if version != item.card.version => version,
        _ => return resolve(change, project, kind, now, edit).await,
    };
    let since = change
        .tx()
        .item_changes_after(project, item.card.id, version)
        .await?;
    let changes: Vec<FieldChange> = since.iter().filter_map(ItemEvent::change).collect();
    let was = now.clone().rewind(&changes);
    let mine = resolve(change, project, kind, was.clone(), edit).await?;
    let clashes = match (base, merge(&was, &mine, &now)) {
        (Base::Exactly(_), _) => was
            .changes(&now)
            .into_iter()
            .map(|change| Clash {
                field: change.field,
                mine: mine.get(change.field),
                theirs: change.after,
            })
            .collect::<Vec<_>>(),
        (_, Ok(merged)) => return Ok(merged),
        (_, Err(clashes)) => clashes,
    };
    if clashes.is_empty() {
        same_version(item, Some(version))?;
    }
    Err(Error::Stale(
        clashes.iter().map(|clash| clash::told(clash, &since)).collect(),
    ))
}

/// Who may edit an item: as with moves, and closing has nothing to do with it.
pub(crate) async fn proof_to_edit(
    ctx: &OpCtx,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
) -> Result<Authorized<Project, Modify>> {
    if may_move(ctx, project, item).await? {
        return access::own_item(project);
    }
    let (org, slug) = (&project.org.slug, &project.project.slug);
    Ok(access::project::<may::ItemEdit>(ctx, org, slug).await?.modify())
}

/// Writes the change of an item with all that goes with it; whether anything differs. It is not committed yet.
pub(crate) async fn record(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    proof: &Authorized<Project, Modify>,
    project: &Authorized<Project, See>,
    item: &ItemRecord,
    wanted: &Content,
) -> Result<bool> {
    let changes = item.content.changes(wanted);
    if changes.is_empty() {
        return Ok(false);
    }
    super::moves::room_to_plan(change, project, item, wanted).await?;
    let (card, place, version) = (&item.card, project.place(), item.card.version);
    change
        .tx()
        .update_item(proof, card.id, version, wanted, ctx.now())
        .await?;
    let events = rows(ctx, &changes, version + 1);
    change.tx().append_item_events(proof, card.id, &events).await?;
    let fields: Vec<&str> = changes.iter().map(|change| change.field.key()).collect();
    let summary = serde_json::json!({ "key": card.key, "fields": fields });
    change
        .audit(Entry::done(
            "item.edit",
            "item",
            card.id,
            wanted.title.clone(),
            &place,
            summary,
        ))
        .await?;
    let told = event::Item {
        id: card.id,
        key: &card.key,
        kind: card.kind,
        state: &card.state,
        before: Some(&card.state),
    };
    event::item(change, &place, told).await?;
    tell(change, project, card, (&item.content, wanted)).await?;
    mirror::item_changed(change, project, card.id).await?;
    change.touch("board", project.id(), &place);
    change.touch("item", card.id, &place);
    Ok(true)
}

/// Tells whoever has to do it now, and whoever is named in the description for the first time.
async fn tell(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    card: &Card,
    (before, after): (&Content, &Content),
) -> Result<()> {
    if after.assignee != before.assignee
        && let Some(assignee) = &after.assignee
    {
        let about = (card.key.as_str(), after.title.as_str());
        notice::item_assigned(change, project, card.id, about, assignee.id).await?;
    }
    if after.description != before.description {
        mention(change, project, card, (&before.description, &after.description)).await?;
    }
    Ok(())
}

/// Tells whoever is mentioned in `after` and was not in `before`.
pub(super) async fn mention(
    change: &mut Change<'_>,
    project: &Authorized<Project, See>,
    card: &Card,
    (before, after): (&str, &str),
) -> Result<()> {
    if !after.contains('@') {
        return Ok(());
    }
    let members = change.tx().members(project.org_id(), Some(project.id())).await?;
    let people: Vec<_> = members.into_iter().map(|member| member.person).collect();
    let known: Vec<UserId> = markdown::mentioned(before, &people)
        .iter()
        .map(|p| p.id)
        .collect();
    let new: Vec<UserId> = markdown::mentioned(after, &people)
        .iter()
        .map(|person| person.id)
        .filter(|id| !known.contains(id))
        .collect();
    notice::item_mentioned(change, project, card, &new).await
}

/// The rows of the history for `changes`, which made the item's version `version`.
pub(crate) fn rows(ctx: &OpCtx, changes: &[FieldChange], version: i64) -> Vec<NewItemEvent> {
    let row = |change: &FieldChange| NewItemEvent {
        before: change.before.clone(),
        after: change.after.clone(),
        ..row(ctx, change.field.key(), version)
    };
    changes.iter().map(row).collect()
}

/// A row of the history about `field`, without values.
pub(crate) fn row(ctx: &OpCtx, field: &str, version: i64) -> NewItemEvent {
    NewItemEvent {
        id: ctx.id(),
        at: ctx.now(),
        by: ctx.user().ok().map(|person| person.id),
        field: field.to_owned(),
        before: Value::default(),
        after: Value::default(),
        category: None,
        version,
        cause: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_is_named_by_its_key_or_its_number() {
        assert_eq!(number_of(" CHK-12 ", "CHK"), Some(12));
        assert_eq!(number_of("chk-12", "CHK"), Some(12));
        assert_eq!(number_of("12", "CHK"), Some(12));
        assert_eq!(number_of("OPS-12", "CHK"), None);
        assert_eq!(number_of("CHK-0", "CHK"), None);
        assert_eq!(number_of("CHK-x", "CHK"), None);
    }
}
