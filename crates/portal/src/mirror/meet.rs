//! One issue and its item meet: what differs is written where it is missing, and what both changed is kept as a conflict.
//!
//! Before GitLab is written to, what is about to be written is noted with a lease, so that it is known again after a crash,
//! and nobody else writes meanwhile. What is written here is written together with what both sides hold now.

use super::sides::{self, ours, theirs};
use super::talk;
use super::work::{Desk, Halt, told};
use crate::change::Entry;
use crate::error::Error;
use crate::fault;
use crate::item::edit;
use crate::ports::{ForgeError, ForgeIssue, IssueEdit, ItemRecord, LinkRecord, NewItemEvent, NewItemRow};
use crate::subscriber::event;
use slipway_domain::id::ItemId;
use slipway_domain::item::{
    Category, Content, ItemKind, ItemState, Labels, Named, Severity, Value, Workflow, rank_between,
};
use slipway_domain::mirror::{
    CLOSED, DESCRIPTION_MAX, LinkState, MirrorField, MirrorLink, OPENED, Sheet, TITLE_MAX, even,
    meet as compare, read_description, sent_description,
};
use slipway_domain::time::{MINUTE, SECOND};

/// How long whoever writes to GitLab is left alone, in µs: longer than a call takes.
const LEASE: i64 = 2 * MINUTE;
/// How many pages of the newest issues are looked through for one that was made before a crash.
const PAGES: u32 = 3;

/// What came of a meeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// An item was made of the issue.
    Made,
    /// They met, or were not to.
    Done,
}

/// Reads an issue, and lets it meet its item.
pub(super) async fn issue(desk: &Desk, iid: i64) -> Result<Met, Halt> {
    let project = desk.link.project();
    match desk.heard(desk.link.forge.issue(project, iid).await).await {
        Ok(issue) => meet(desk, &issue).await,
        Err(Halt::Forge(ForgeError::NotFound(_))) => {
            if let Some(record) = known(desk, iid).await? {
                stands(desk, record, LinkState::Gone).await?;
            }
            Ok(Met::Done)
        }
        Err(halt) => Err(halt),
    }
}

async fn known(desk: &Desk, iid: i64) -> Result<Option<LinkRecord>, Halt> {
    let repository = (desk.mirror.connection, desk.mirror.repository);
    let mut tx = desk.ctx.read().await?;
    Ok(tx.link_of_issue(&desk.app.see(), repository, iid).await?)
}

/// Lets an issue, as GitLab just had it, meet its item; an issue that has none gets one, where that is wanted.
pub(super) async fn meet(desk: &Desk, issue: &ForgeIssue) -> Result<Met, Halt> {
    if let Some(record) = known(desk, issue.iid).await? {
        return together(desk, record, issue).await;
    }
    if issue.confidential || issue.moved {
        return Ok(Met::Done);
    }
    if let Some(record) = made_before(desk, issue).await? {
        let record = adopt(desk, record, issue).await?;
        return together(desk, record, issue).await;
    }
    let new = issue.iid > desk.mirror.since_iid;
    if !new && (desk.mirror.taking.is_none() || issue.state == CLOSED) {
        return Ok(Met::Done);
    }
    take(desk, issue).await
}

/// The item that this issue was made for, where the link between the two was not noted yet.
async fn made_before(desk: &Desk, issue: &ForgeIssue) -> Result<Option<LinkRecord>, Halt> {
    let (_, Some(item)) = read_description(&issue.description) else {
        return Ok(None);
    };
    let mut tx = desk.ctx.read().await?;
    let found = tx.link_of_item(&desk.project.see(), item).await?;
    drop(tx);
    let waits = |record: &LinkRecord| {
        record.link.iid.is_none()
            && record.link.app == desk.app.id()
            && record.repository == desk.mirror.repository
            && record.connection == desk.mirror.connection
    };
    let Some(record) = found.filter(waits) else {
        return Ok(None);
    };
    // Anybody can write such a mark: it counts where Slipway's own account made the issue.
    let me = desk.heard(desk.link.forge.token().await).await?;
    Ok((me.username == issue.author.username).then_some(record))
}

/// Notes which issue was made for an item.
async fn adopt(desk: &Desk, mut record: LinkRecord, issue: &ForgeIssue) -> Result<LinkRecord, Halt> {
    record.link.iid = Some(issue.iid);
    record.link.web_url.clone_from(&issue.web_url);
    record.link.state = LinkState::Linked;
    record.link.trouble = None;
    record.base = std::mem::take(&mut record.written);
    record.lease_until = None;
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().update_link(&desk.project.modify(), &record).await?;
    change.touch("item", record.item, &desk.project.place());
    change.commit().await?;
    record.link.version += 1;
    Ok(record)
}

/// The two stand so now, and nothing is written.
async fn stands(desk: &Desk, mut record: LinkRecord, state: LinkState) -> Result<(), Halt> {
    if record.link.state == state {
        return Ok(());
    }
    record.link.state = state;
    record.lease_until = None;
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().update_link(&desk.project.modify(), &record).await?;
    change.touch("item", record.item, &desk.project.place());
    Ok(change.commit().await?)
}

/// An issue and its item.
async fn together(desk: &Desk, mut record: LinkRecord, issue: &ForgeIssue) -> Result<Met, Halt> {
    if issue.confidential || issue.moved {
        let state = if issue.moved {
            LinkState::Moved
        } else {
            LinkState::Confidential
        };
        stands(desk, record, state).await?;
        return Ok(Met::Done);
    }
    let now = desk.ctx.now();
    if let Some(until) = record.lease_until.filter(|until| *until > now) {
        return Err(Halt::Again(until.min(now.plus(5 * SECOND))));
    }
    let people = desk.people().await?;
    let see = desk.project.see();
    let mut tx = desk.ctx.read().await?;
    let Some(item) = tx.item(&see, record.number).await? else {
        // It was deleted here: the issue is left alone.
        return Ok(Met::Done);
    };
    let (held, cannot) = ours(&mut *tx, &people, &item).await?;
    let (found, refused) = theirs(&mut *tx, &people, issue).await?;
    drop(tx);
    let met = compare(&record.base, &record.written, &held, &found);
    let mut talk = talk::Talk::read(desk, &record, issue).await?;
    record.link.remark = refused.or(cannot);
    if !met.there.is_empty() || talk.sends() {
        for (field, value) in met.there.iter() {
            record.written.set(field, value);
        }
        record.lease_until = Some(now.plus(LEASE));
        intend(desk, &mut record, &talk).await?;
        fault::point("mirror.intended");
        if let Err(halt) = send(desk, &record, issue, &met.there, &mut talk).await {
            return Err(let_go(desk, record, halt).await?);
        }
        fault::point("mirror.written");
    }
    agree(desk, record, (&item, issue), met, talk).await
}

/// Notes what is about to be written in GitLab.
async fn intend(desk: &Desk, record: &mut LinkRecord, talk: &talk::Talk) -> Result<(), Halt> {
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().update_link(&desk.project.modify(), record).await?;
    talk.intend(&mut change, desk, record.item).await?;
    change.commit().await?;
    record.link.version += 1;
    Ok(())
}

/// Writes to GitLab what it has not.
async fn send(
    desk: &Desk,
    record: &LinkRecord,
    issue: &ForgeIssue,
    there: &Sheet,
    talk: &mut talk::Talk,
) -> Result<(), Halt> {
    let (forge, project) = (&desk.link.forge, desk.link.project());
    if !there.is_empty() {
        let edit = edit_of(record, issue, there);
        desk.heard(forge.update_issue(project, issue.iid, &edit).await)
            .await?;
    }
    talk.send(desk, issue.iid).await
}

fn edit_of(record: &LinkRecord, issue: &ForgeIssue, there: &Sheet) -> IssueEdit {
    let mut edit = IssueEdit::default();
    // A mark that somebody took away stays away.
    let marked = read_description(&issue.description).1.is_some();
    for (field, value) in there.iter() {
        match field {
            MirrorField::Title => edit.title = Some(value.to_owned()),
            MirrorField::Description => {
                edit.description = Some(sent_description(value, marked.then_some(record.item)));
            }
            MirrorField::State => edit.closed = Some(value == CLOSED),
            MirrorField::Due => edit.due_on = Some(value.to_owned()),
            MirrorField::Assignee => edit.assignee = Some(value.parse().unwrap_or_default()),
            MirrorField::Labels => {
                let wanted = there.labels();
                let has = |label: &str| issue.labels.iter().any(|one| one == label);
                // Labels that an item cannot hold stay as they are.
                let goes = |label: &&String| {
                    slipway_domain::mirror::holds_label(label) && !wanted.contains(label.as_str())
                };
                edit.remove_labels = issue.labels.iter().filter(goes).cloned().collect();
                edit.add_labels = wanted
                    .iter()
                    .filter(|label| !has(label))
                    .map(|label| (*label).to_owned())
                    .collect();
            }
        }
    }
    edit
}

/// GitLab did not take it: the next try need not wait for the lease.
async fn let_go(desk: &Desk, mut record: LinkRecord, halt: Halt) -> Result<Halt, Halt> {
    record.lease_until = None;
    if let Halt::Forge(error) = &halt {
        record.link.trouble = Some(told(error));
        if matches!(error, ForgeError::NotFound(_)) {
            record.link.state = LinkState::Gone;
        }
    }
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().update_link(&desk.project.modify(), &record).await?;
    change.touch("item", record.item, &desk.project.place());
    change.commit().await?;
    Ok(halt)
}

/// Writes here what the issue has, together with what both hold from now on.
async fn agree(
    desk: &Desk,
    mut record: LinkRecord,
    (item, issue): (&ItemRecord, &ForgeIssue),
    mut met: slipway_domain::mirror::Met,
    talk: talk::Talk,
) -> Result<Met, Halt> {
    let (proof, see, place) = (desk.project.modify(), desk.project.see(), desk.project.place());
    let now = desk.ctx.now();
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().lock_board(&proof).await?;
    record.lease_until = None;
    let current = change.tx().item(&see, record.number).await?;
    if current.is_none_or(|current| current.card.version != item.card.version) {
        // Somebody edited it meanwhile: what was written in GitLab stands in the link, and the rest is compared again.
        talk.sent(&mut change, desk, record.item).await?;
        change.tx().update_link(&proof, &record).await?;
        change.commit().await?;
        return Err(Halt::Again(now.plus(SECOND)));
    }
    let (version, refused) =
        sides::write_here(&desk.ctx, &mut change, (&proof, &see), item, &record, &met.here).await?;
    for conflict in refused {
        let before = record.base.get(conflict.field).map(str::to_owned);
        met.base.set(conflict.field, before.unwrap_or_default());
        met.conflicts.push(conflict);
    }
    let new = talk.agree(&mut change, desk, (item, &record)).await?;
    let shown = (
        record.link.conflicts.clone(),
        record.link.state,
        record.link.trouble.clone(),
    );
    record.base = met.base;
    record.written = Sheet::default();
    record.link.conflicts = met.conflicts;
    record.link.state = LinkState::Linked;
    record.link.trouble = None;
    record.link.web_url.clone_from(&issue.web_url);
    record.link.synced_at = Some(now);
    record.item_version = version;
    record.seen_at = Some(issue.updated_at);
    change.tx().update_link(&proof, &record).await?;
    if new || shown != (record.link.conflicts.clone(), record.link.state, None) {
        change.touch("item", record.item, &place);
        change.touch("app", desk.app.id(), &desk.app.place());
    }
    change.commit().await?;
    fault::point("mirror.met");
    Ok(Met::Done)
}

/// Makes an item of an issue, in one transaction with the link between the two.
async fn take(desk: &Desk, issue: &ForgeIssue) -> Result<Met, Halt> {
    let people = desk.people().await?;
    let (proof, see, place) = (desk.project.modify(), desk.project.see(), desk.project.place());
    let ctx = &desk.ctx;
    let mut tx = ctx.read().await?;
    let (found, remark) = theirs(&mut *tx, &people, issue).await?;
    let author = people.here(&mut *tx, issue.author.id).await?;
    let assigned = match found.get(MirrorField::Assignee).and_then(|id| id.parse().ok()) {
        Some(id) => people.here(&mut *tx, id).await?,
        None => None,
    };
    drop(tx);
    let kind = desk.mirror.rules.kind_of(&issue.labels);
    let mut content = content(issue, &found, kind);
    content.app = Some(Named {
        id: desk.app.id(),
        name: desk.app.app.name.clone(),
    });
    content.assignee = assigned.map(|person| Named {
        id: person.id,
        name: person.name,
    });
    let mut change = ctx.change().await?;
    change.tx().lock_board(&proof).await?;
    let (setup, _) = change.tx().board_setup(&see).await?;
    let state = begins_in(&setup.flow(kind), issue);
    let last = change.tx().last_rank(&see, None).await?;
    let row = NewItemRow {
        id: ctx.id(),
        kind,
        state,
        content,
        reporter: author.map_or(desk.bot.id, |person| person.id),
        rank: rank_between(last.as_deref(), None),
        at: ctx.now(),
    };
    // Where the workflow has no way to the end, the first meeting finds that.
    let stands_so = if row.state.category().is_over() {
        CLOSED
    } else {
        OPENED
    };
    let number = change.tx().insert_item(&proof, &row).await?;
    let mut events = vec![NewItemEvent {
        after: Value::plain(row.content.title.clone()),
        category: Some(row.state.category()),
        ..edit::row(ctx, "created", 1)
    }];
    let bare = Content::titled(row.content.title.clone());
    events.extend(edit::rows(ctx, &bare.changes(&row.content), 1));
    change.tx().append_item_events(&proof, row.id, &events).await?;
    let record = LinkRecord {
        item: row.id,
        number,
        connection: desk.mirror.connection,
        repository: desk.mirror.repository,
        link: MirrorLink {
            app: desk.app.id(),
            iid: Some(issue.iid),
            web_url: issue.web_url.clone(),
            author: issue.author.name.clone(),
            state: LinkState::Linked,
            conflicts: Vec::new(),
            remark,
            trouble: None,
            synced_at: Some(ctx.now()),
            version: 1,
        },
        made_here: false,
        base: found.with(MirrorField::State, stands_so),
        written: Sheet::default(),
        lease_until: None,
        item_version: 1,
        // Its comments have not been looked at.
        seen_at: None,
    };
    change.tx().insert_link(&desk.app.modify(), &record).await?;
    let key = format!("{}-{number}", desk.project.project.key);
    let summary = serde_json::json!({ "key": key, "kind": kind.key(), "issue": issue.web_url });
    let entry = Entry::done(
        "item.create",
        "item",
        row.id,
        row.content.title.clone(),
        &place,
        summary,
    );
    change.audit(entry).await?;
    let created = event::Item {
        id: row.id,
        key: &key,
        kind,
        state: &row.state,
        before: None,
    };
    event::item(&mut change, &place, created).await?;
    change.touch("board", desk.project.id(), &place);
    change.commit().await?;
    fault::point("mirror.taken");
    // Its comments, and what the workflow had no way for.
    together(desk, record, issue).await?;
    Ok(Met::Made)
}

/// Where the item of an issue stands at first: at the end of its workflow, where the issue is closed and it leads there.
fn begins_in(flow: &Workflow, issue: &ForgeIssue) -> ItemState {
    let first = flow.first();
    if issue.state != CLOSED {
        return first;
    }
    let over = [Category::Done, Category::WontDo];
    let found = over.iter().find_map(|goal| flow.walk(first.state_key(), *goal));
    found.unwrap_or(first)
}

/// What an item holds of an issue; what it cannot hold whole, it holds the beginning of.
fn content(issue: &ForgeIssue, found: &Sheet, kind: ItemKind) -> Content {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let title = cut(issue.title.trim(), TITLE_MAX);
    let labels = found.get(MirrorField::Labels).unwrap_or_default();
    Content {
        description: cut(&read_description(&issue.description).0, DESCRIPTION_MAX),
        labels: Labels::parse(&labels.replace('\n', ",")).unwrap_or_default(),
        due_on: issue.due_on.clone(),
        severity: (kind == ItemKind::Bug).then_some(Severity::Normal),
        ..Content::titled(title)
    }
}

/// Makes the issue of an item that was made here; `before`: somebody tried already, and was not heard of since.
pub(super) async fn make(desk: &Desk, item: ItemId, before: Option<LinkRecord>) -> Result<Met, Halt> {
    let (see, now) = (desk.project.see(), desk.ctx.now());
    let mut tx = desk.ctx.read().await?;
    let target = tx.mirror_of_item(&see, item).await?;
    let number = tx.number_of_item(&desk.app.see(), item).await?;
    let wanted = target.is_some_and(|target| target.wanted && target.app == desk.app.id());
    let (true, Some(number)) = (wanted, number) else {
        return Ok(Met::Done);
    };
    let Some(found) = tx.item(&see, number).await? else {
        return Ok(Met::Done);
    };
    drop(tx);
    let people = desk.people().await?;
    let mut tx = desk.ctx.read().await?;
    let (held, remark) = ours(&mut *tx, &people, &found).await?;
    drop(tx);
    // An issue begins open: what is over here is closed there by the first meeting.
    let held = held.with(MirrorField::State, OPENED);
    let record = match before {
        None => begin(desk, (item, number), held, remark).await?,
        Some(record) => {
            if let Some(until) = record.lease_until.filter(|until| *until > now) {
                return Err(Halt::Again(until.min(now.plus(5 * SECOND))));
            }
            if let Some(issue) = look_for(desk, item).await? {
                let record = adopt(desk, record, &issue).await?;
                return together(desk, record, &issue).await;
            }
            again(desk, record, held).await?
        }
    };
    fault::point("mirror.making");
    let new = new_issue(&record);
    let made = desk
        .heard(desk.link.forge.create_issue(desk.link.project(), &new).await)
        .await;
    let issue = match made {
        Ok(issue) => issue,
        Err(halt) => return Err(let_go_of_new(desk, record, halt).await?),
    };
    fault::point("mirror.made");
    let record = adopt(desk, record, &issue).await?;
    together(desk, record, &issue).await
}

/// A new issue that GitLab did not take; what was not answered may have been done.
async fn let_go_of_new(desk: &Desk, record: LinkRecord, halt: Halt) -> Result<Halt, Halt> {
    let known = match &halt {
        Halt::Forge(ForgeError::NotFound(what)) => Halt::Forge(ForgeError::Refused(what.clone())),
        _ => halt,
    };
    let_go(desk, record, known).await
}

/// Notes that an issue is about to be made.
async fn begin(
    desk: &Desk,
    (item, number): (ItemId, i64),
    held: Sheet,
    remark: Option<slipway_domain::text::Text>,
) -> Result<LinkRecord, Halt> {
    let record = LinkRecord {
        item,
        number,
        connection: desk.mirror.connection,
        repository: desk.mirror.repository,
        link: MirrorLink {
            app: desk.app.id(),
            iid: None,
            web_url: String::new(),
            author: String::new(),
            state: LinkState::Making,
            conflicts: Vec::new(),
            remark,
            trouble: None,
            synced_at: None,
            version: 1,
        },
        made_here: true,
        base: Sheet::default(),
        written: held,
        lease_until: Some(desk.ctx.now().plus(LEASE)),
        item_version: 0,
        seen_at: None,
    };
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().insert_link(&desk.app.modify(), &record).await?;
    change.touch("item", item, &desk.project.place());
    change.commit().await?;
    Ok(record)
}

/// Nothing was made before: the issue gets what the item holds now.
async fn again(desk: &Desk, mut record: LinkRecord, held: Sheet) -> Result<LinkRecord, Halt> {
    record.written = held;
    record.lease_until = Some(desk.ctx.now().plus(LEASE));
    let mut change = desk.ctx.change().await?;
    change.bookkeeping();
    change.tx().update_link(&desk.project.modify(), &record).await?;
    change.commit().await?;
    record.link.version += 1;
    Ok(record)
}

/// The issue that was made for an item, among the newest ones.
async fn look_for(desk: &Desk, item: ItemId) -> Result<Option<ForgeIssue>, Halt> {
    let me = desk.heard(desk.link.forge.token().await).await?;
    for page in 1..=PAGES {
        let found = desk
            .heard(desk.link.forge.issues(desk.link.project(), true, page).await)
            .await?;
        let mut own = found.items.into_iter();
        let is = |issue: &ForgeIssue| {
            read_description(&issue.description).1 == Some(item) && issue.author.username == me.username
        };
        if let Some(issue) = own.find(is) {
            return Ok(Some(issue));
        }
        if !found.more {
            break;
        }
    }
    Ok(None)
}

fn new_issue(record: &LinkRecord) -> IssueEdit {
    let held = |field| record.written.get(field).unwrap_or_default().to_owned();
    let assignee = held(MirrorField::Assignee).parse().ok();
    let due_on = Some(held(MirrorField::Due)).filter(|day| !day.is_empty());
    IssueEdit {
        title: Some(held(MirrorField::Title)),
        description: Some(sent_description(
            &even(&held(MirrorField::Description)),
            Some(record.item),
        )),
        closed: None,
        add_labels: record.written.labels().into_iter().map(str::to_owned).collect(),
        remove_labels: Vec::new(),
        assignee,
        due_on,
    }
}

impl From<Halt> for Error {
    fn from(halt: Halt) -> Self {
        match halt {
            Halt::Here(error) => error,
            Halt::Forge(error) => crate::connection::refused(&error),
            Halt::Again(_) => Self::version_mismatch(),
        }
    }
}
