//! What the two sides hold, as sheets that can be compared; and writing here what came from there.

use crate::access::may::{Modify, See};
use crate::access::{Authorized, Project};
use crate::change::Change;
use crate::context::OpCtx;
use crate::error::Result;
use crate::item::{edit, moved_to};
use crate::ports::{ForgeIssue, ItemRecord, LinkRecord, Tx};
use slipway_domain::id::UserId;
use slipway_domain::item::{Category, Labels, Named, rank_between};
use slipway_domain::mirror::{
    CLOSED, Conflict, DESCRIPTION_MAX, MirrorField, OPENED, Sheet, TITLE_MAX, even, holds_label, labels_of,
    read_description,
};
use slipway_domain::person::PersonRef;
use slipway_domain::text::Text;

/// Who is who: people here and in GitLab are the same where they signed in with it.
pub(super) struct People<'a> {
    /// GitLab's address, which is who says so.
    pub base_url: &'a str,
    /// Whoever has a role in the project or above.
    pub members: Vec<PersonRef>,
}

impl People<'_> {
    /// The issuer as providers write it.
    fn issuers(&self) -> [String; 2] {
        let plain = self.base_url.trim_end_matches('/').to_owned();
        [format!("{plain}/"), plain]
    }

    /// Somebody of GitLab, as a member here.
    pub(super) async fn here(&self, tx: &mut dyn Tx, id: i64) -> Result<Option<PersonRef>> {
        for issuer in self.issuers() {
            if let Some(person) = tx.person_of_identity(&issuer, &id.to_string()).await? {
                return Ok(self.members.iter().find(|one| one.id == person.id).cloned());
            }
        }
        Ok(None)
    }

    /// GitLab's id of somebody here.
    async fn there(&self, tx: &mut dyn Tx, user: UserId) -> Result<Option<String>> {
        let issuers = self.issuers();
        let known = tx.identities_of(user).await?;
        let own = known.into_iter().find(|one| issuers.contains(&one.issuer));
        Ok(own.map(|one| one.subject).filter(|id| id.parse::<i64>().is_ok()))
    }
}

/// What an item holds of a field; `None` for the assignee, who has another name in GitLab.
pub(super) fn here_of(item: &ItemRecord, field: MirrorField) -> Option<String> {
    let content = &item.content;
    Some(match field {
        MirrorField::Title => content.title.clone(),
        MirrorField::Description => even(&content.description),
        MirrorField::State if item.card.state.category().is_over() => CLOSED.to_owned(),
        MirrorField::State => OPENED.to_owned(),
        MirrorField::Labels => content.labels.iter().collect::<Vec<_>>().join("\n"),
        MirrorField::Due => content.due_on.clone().unwrap_or_default(),
        MirrorField::Assignee => return None,
    })
}

/// What an item holds, and what of it GitLab cannot be told.
pub(super) async fn ours(
    tx: &mut dyn Tx,
    people: &People<'_>,
    item: &ItemRecord,
) -> Result<(Sheet, Option<Text>)> {
    let mut sheet = Sheet::default();
    for field in MirrorField::ALL.iter().copied() {
        if let Some(value) = here_of(item, field) {
            sheet.set(field, value);
        }
    }
    let Some(assignee) = &item.content.assignee else {
        sheet.set(MirrorField::Assignee, "");
        return Ok((sheet, None));
    };
    if let Some(id) = people.there(tx, assignee.id).await? {
        sheet.set(MirrorField::Assignee, id);
        return Ok((sheet, None));
    }
    let name = &assignee.name;
    let remark = Text::new(
        format!("The assignee is not mirrored: {name} has not linked a GitLab account here."),
        format!("处理人未同步：{name} 尚未在此关联 GitLab 账号。"),
    );
    Ok((sheet, Some(remark)))
}

/// What an issue holds, and what of it an item cannot hold.
pub(super) async fn theirs(
    tx: &mut dyn Tx,
    people: &People<'_>,
    issue: &ForgeIssue,
) -> Result<(Sheet, Option<Text>)> {
    let (mut sheet, mut remark) = (Sheet::default(), None);
    let title = issue.title.trim();
    if title.chars().count() <= TITLE_MAX {
        sheet.set(MirrorField::Title, title);
    } else {
        remark = Some(Text::new(
            "The title is not mirrored: it is longer than 200 characters in GitLab.",
            "标题未同步：GitLab 中的标题超过 200 个字符。",
        ));
    }
    let (description, _) = read_description(&issue.description);
    if description.chars().count() <= DESCRIPTION_MAX {
        sheet.set(MirrorField::Description, description);
    } else {
        remark = Some(Text::new(
            "The description is not mirrored: it is longer than 50,000 characters in GitLab.",
            "描述未同步：GitLab 中的描述超过 50000 个字符。",
        ));
    }
    let state = if issue.state == CLOSED { CLOSED } else { OPENED };
    sheet.set(MirrorField::State, state);
    sheet.set(MirrorField::Due, issue.due_on.clone().unwrap_or_default());
    let held = issue
        .labels
        .iter()
        .map(String::as_str)
        .filter(|label| holds_label(label));
    match labels_of(held) {
        Some(labels) => sheet.set(MirrorField::Labels, labels),
        None => {
            remark = Some(Text::new(
                "Labels are not mirrored: the issue has more than 20.",
                "标签未同步：议题的标签超过 20 个。",
            ));
        }
    }
    match issue.assignees.as_slice() {
        [] => sheet.set(MirrorField::Assignee, ""),
        [one] => match people.here(tx, one.id).await? {
            Some(_) => sheet.set(MirrorField::Assignee, one.id.to_string()),
            None => {
                remark = Some(Text::new(
                    format!(
                        "The assignee is not mirrored: {} of GitLab is not known here.",
                        one.name
                    ),
                    format!("处理人未同步：此处没有与 GitLab 的 {} 对应的成员。", one.name),
                ));
            }
        },
        _ => {
            remark = Some(Text::new(
                "The assignee is not mirrored: the issue has several in GitLab.",
                "处理人未同步：GitLab 中的议题有多名处理人。",
            ));
        }
    }
    Ok((sheet, remark))
}

/// Writes what came from GitLab into an item; its version then, and what its workflow has no way for. The board is locked.
pub(super) async fn write_here(
    ctx: &OpCtx,
    change: &mut Change<'_>,
    (proof, see): (&Authorized<Project, Modify>, &Authorized<Project, See>),
    item: &ItemRecord,
    record: &LinkRecord,
    here: &Sheet,
) -> Result<(i64, Vec<Conflict>)> {
    let mut wanted = item.content.clone();
    for (field, value) in here.iter() {
        match field {
            MirrorField::Title if !value.is_empty() => value.clone_into(&mut wanted.title),
            MirrorField::Description => value.clone_into(&mut wanted.description),
            MirrorField::Due => wanted.due_on = (!value.is_empty()).then(|| value.to_owned()),
            MirrorField::Labels => {
                if let Ok(labels) = Labels::parse(&value.replace('\n', ",")) {
                    wanted.labels = labels;
                }
            }
            MirrorField::Assignee if value.is_empty() => wanted.assignee = None,
            MirrorField::Assignee => {
                if let Some(person) = assignee(change, see, record, value).await? {
                    wanted.assignee = Some(Named {
                        id: person.id,
                        name: person.name,
                    });
                }
            }
            MirrorField::State | MirrorField::Title => {}
        }
    }
    let mut version = item.card.version;
    if edit::record(ctx, change, proof, see, item, &wanted).await? {
        version += 1;
    }
    let Some(to) = here.get(MirrorField::State) else {
        return Ok((version, Vec::new()));
    };
    let number = record.number;
    let Some(item) = change.tx().item(see, number).await? else {
        return Ok((version, Vec::new()));
    };
    let (setup, _) = change.tx().board_setup(see).await?;
    let flow = setup.flow(item.card.kind);
    let from = item.card.state.state_key();
    let goals: &[Category] = if to == CLOSED {
        &[Category::Done, Category::WontDo]
    } else {
        &[Category::Todo, Category::InProgress, Category::InTest]
    };
    let Some(state) = goals.iter().find_map(|goal| flow.walk(from, *goal)) else {
        let conflict = Conflict {
            field: MirrorField::State,
            ours: here_of(&item, MirrorField::State).unwrap_or_default(),
            theirs: to.to_owned(),
        };
        return Ok((version, vec![conflict]));
    };
    let last = change.tx().last_rank(see, item.iteration()).await?;
    let rank = rank_between(last.as_deref(), None);
    moved_to(ctx, change, (proof, see), &setup, &item, (&state, &rank, None)).await?;
    Ok((version + 1, Vec::new()))
}

async fn assignee(
    change: &mut Change<'_>,
    see: &Authorized<Project, See>,
    record: &LinkRecord,
    id: &str,
) -> Result<Option<PersonRef>> {
    let (Ok(id), Some(connection)) = (
        id.parse(),
        change.tx().connection(see.org_id(), record.connection).await?,
    ) else {
        return Ok(None);
    };
    let members = change.tx().members(see.org_id(), Some(see.id())).await?;
    let people = People {
        base_url: &connection.connection.base_url,
        members: members.into_iter().map(|member| member.person).collect(),
    };
    people.here(change.tx(), id).await
}
