//! The comments of an item and the notes of its issue: each once, and each changed by what was said last.
//!
//! Nothing that is said is ever taken away on the other side. A comment that was written here may be changed on either
//! side; one that was written in GitLab is changed there.

use super::work::{Desk, Halt};
use crate::change::Change;
use crate::error::Result;
use crate::fault;
use crate::item::edit;
use crate::notice::tell as notice;
use crate::ports::{CommentRecord, ForgeIssue, ForgeNote, ItemRecord, LinkRecord, NewItemEvent, NoteRecord};
use slipway_domain::id::{CommentId, ItemId};
use slipway_domain::item::{COMMENT_MAX, Value};
use slipway_domain::mirror::{even, read_comment, sent_comment};
use slipway_domain::person::PersonRef;

/// A comment that GitLab is to get.
struct Outgoing {
    comment: CommentId,
    /// Its note; `None`: it has none yet.
    note: Option<i64>,
    /// What GitLab gets.
    text: String,
    /// What both say then.
    said: String,
}

/// A note that is to be written here.
struct Incoming {
    note: i64,
    /// The comment that it changes; `None`: it is new.
    comment: Option<CommentRecord>,
    author: PersonRef,
    /// What its author is called in GitLab, where nobody here is that person.
    said_by: Option<String>,
    body: String,
    /// What the note says, whole.
    said: String,
    at: slipway_domain::time::Timestamp,
}

/// What is to be said on either side.
pub(super) struct Talk {
    out: Vec<Outgoing>,
    back: Vec<Incoming>,
    /// Pairs that are known from now on.
    pairs: Vec<NoteRecord>,
}

impl Talk {
    /// Compares the comments of an item with the notes of its issue.
    pub(super) async fn read(desk: &Desk, record: &LinkRecord, issue: &ForgeIssue) -> Result<Self, Halt> {
        let people = desk.people().await?;
        let mut tx = desk.ctx.read().await?;
        let comments = tx.comments(&desk.project.see(), record.item).await?;
        let known = tx.notes_of(&desk.app.see(), record.item).await?;
        drop(tx);
        // An issue that nobody said anything about is not asked for it.
        let notes = if issue.has_notes || !known.is_empty() {
            let notes = desk.link.forge.notes(desk.link.project(), issue.iid).await;
            desk.heard(notes).await?
        } else {
            Vec::new()
        };
        let mut tx = desk.ctx.read().await?;
        let mut talk = Self {
            out: Vec::new(),
            back: Vec::new(),
            pairs: Vec::new(),
        };
        let mut paired: Vec<CommentId> = Vec::new();
        for note in notes.iter().filter(|note| !note.system && !note.internal) {
            let (said, marked) = read_comment(&note.body);
            let pair = known.iter().find(|pair| pair.note == Some(note.id)).or_else(|| {
                known
                    .iter()
                    .find(|pair| pair.note.is_none() && marked == Some(pair.comment))
            });
            let Some(pair) = pair else {
                if said.is_empty() {
                    continue;
                }
                let author = people.here(&mut *tx, note.author.id).await?;
                talk.back.push(new(desk, note, said, author));
                continue;
            };
            paired.push(pair.comment);
            if pair.note.is_none() {
                talk.pairs.push(NoteRecord {
                    note: Some(note.id),
                    ..pair.clone()
                });
            }
            let comment = comments.iter().find(|comment| comment.id == pair.comment);
            // A comment that was deleted here stays away, and its note stays there.
            if let Some(comment) = comment {
                talk.compare(desk, (comment, pair), note, said);
            }
        }
        let waits = |comment: &&CommentRecord| {
            !paired.contains(&comment.id)
                && known
                    .iter()
                    .all(|pair| pair.comment != comment.id || pair.note.is_none())
        };
        talk.out
            .extend(comments.iter().filter(waits).map(|comment| Outgoing {
                comment: comment.id,
                note: None,
                text: sent_comment(&comment.author.name, &comment.body, comment.id),
                said: even(&comment.body),
            }));
        Ok(talk)
    }

    /// A comment and its note.
    fn compare(
        &mut self,
        desk: &Desk,
        (comment, pair): (&CommentRecord, &NoteRecord),
        note: &ForgeNote,
        said: String,
    ) {
        let ours = even(&comment.body);
        let own = read_comment(&note.body).1 == Some(comment.id);
        let settled = |said: &str| NoteRecord {
            comment: comment.id,
            note: Some(note.id),
            base: said.to_owned(),
        };
        if ours == said {
            if pair.base != said {
                self.pairs.push(settled(&said));
            }
        } else if pair.base == said {
            if own {
                self.out.push(Outgoing {
                    comment: comment.id,
                    note: Some(note.id),
                    text: sent_comment(&comment.author.name, &comment.body, comment.id),
                    said: ours,
                });
            }
        } else {
            if pair.base == ours || !own {
                self.back.push(Incoming {
                    comment: Some(comment.clone()),
                    ..new(desk, note, said, None)
                });
                return;
            }
            // Both were changed: ours stays, and what was written there is kept as a comment of its own.
            self.pairs.push(settled(&said));
            self.back.push(Incoming {
                note: 0,
                ..new(desk, note, said, None)
            });
        }
    }

    /// Whether GitLab is to get anything.
    pub(super) const fn sends(&self) -> bool {
        !self.out.is_empty()
    }

    /// Notes which comments are about to become notes.
    pub(super) async fn intend(&self, change: &mut Change<'_>, desk: &Desk, item: ItemId) -> Result<()> {
        for outgoing in self.out.iter().filter(|outgoing| outgoing.note.is_none()) {
            let pair = NoteRecord {
                comment: outgoing.comment,
                note: None,
                base: outgoing.said.clone(),
            };
            change.tx().put_note(&desk.app.modify(), item, &pair).await?;
        }
        Ok(())
    }

    /// Says in GitLab what was said here.
    pub(super) async fn send(&mut self, desk: &Desk, iid: i64) -> Result<(), Halt> {
        let (forge, project) = (&desk.link.forge, desk.link.project());
        for outgoing in &mut self.out {
            if let Some(note) = outgoing.note {
                let changed = forge.update_note(project, iid, note, &outgoing.text).await;
                desk.heard(changed).await?;
            } else {
                let made = forge.create_note(project, iid, &outgoing.text).await;
                outgoing.note = Some(desk.heard(made).await?);
                fault::point("mirror.noted");
            }
        }
        Ok(())
    }

    /// Notes what GitLab has now.
    pub(super) async fn sent(&self, change: &mut Change<'_>, desk: &Desk, item: ItemId) -> Result<()> {
        let proof = desk.app.modify();
        for pair in &self.pairs {
            change.tx().put_note(&proof, item, pair).await?;
        }
        for outgoing in &self.out {
            let pair = NoteRecord {
                comment: outgoing.comment,
                note: outgoing.note,
                base: outgoing.said.clone(),
            };
            change.tx().put_note(&proof, item, &pair).await?;
        }
        Ok(())
    }

    /// Writes here what was said in GitLab; whether anything was.
    pub(super) async fn agree(
        self,
        change: &mut Change<'_>,
        desk: &Desk,
        (item, record): (&ItemRecord, &LinkRecord),
    ) -> Result<bool> {
        self.sent(change, desk, record.item).await?;
        let (proof, see) = (desk.project.modify(), desk.project.see());
        let (new, ctx) = (!self.back.is_empty(), &desk.ctx);
        let mut told = false;
        if self.back.iter().any(|incoming| incoming.note == 0) {
            // What was kept is said in GitLab, too.
            super::enqueue_item(change, desk.app.id(), record.item).await?;
        }
        for incoming in self.back {
            let comment = if let Some(comment) = &incoming.comment {
                let (id, version) = (comment.id, comment.version);
                change
                    .tx()
                    .update_comment(&proof, id, version, &incoming.body, ctx.now())
                    .await?;
                let event = NewItemEvent {
                    before: Value::plain(comment.body.clone()),
                    after: Value::plain(incoming.body.clone()),
                    ..edit::row(ctx, "comment", item.card.version)
                };
                change
                    .tx()
                    .append_item_events(&proof, record.item, &[event])
                    .await?;
                id
            } else {
                let comment = CommentRecord {
                    id: ctx.id(),
                    author: incoming.author,
                    body: incoming.body,
                    created_at: incoming.at,
                    edited_at: None,
                    version: 1,
                };
                change.tx().insert_comment(&proof, record.item, &comment).await?;
                if let Some(name) = &incoming.said_by {
                    change.tx().set_said_by(&proof, comment.id, name).await?;
                }
                told = true;
                comment.id
            };
            if incoming.note != 0 {
                let pair = NoteRecord {
                    comment,
                    note: Some(incoming.note),
                    base: incoming.said,
                };
                change
                    .tx()
                    .put_note(&desk.app.modify(), record.item, &pair)
                    .await?;
            }
        }
        if told && record.seen_at.is_some() {
            notice::item_commented(change, &see, &item.card, item.reporter.id).await?;
        }
        Ok(new)
    }
}

fn new(desk: &Desk, note: &ForgeNote, said: String, author: Option<PersonRef>) -> Incoming {
    let said_by = author.is_none().then(|| format!("{} (GitLab)", note.author.name));
    let short: String = said.chars().take(COMMENT_MAX).collect();
    Incoming {
        note: note.id,
        comment: None,
        author: author.unwrap_or_else(|| desk.bot.clone()),
        said_by,
        body: short,
        said,
        at: note.created_at,
    }
}
