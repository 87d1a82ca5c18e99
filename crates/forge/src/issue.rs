//! Issues and their notes.

use crate::answer::{each, flag, int, must, text, texts, time};
use crate::call::Call;
use crate::gitlab::{Gitlab, id};
use crate::group::paged;
use async_trait::async_trait;
use serde_json::{Value, json};
use slipway_domain::time::Timestamp;
use slipway_portal::ports::{
    ForgeError, ForgeIssue, ForgeNote, ForgePage, ForgePerson, IssueEdit, IssueForge,
};

/// The most notes of one issue that are read.
const NOTES: usize = 1000;

fn person(value: &Value) -> Option<ForgePerson> {
    let username = text(value, "username").unwrap_or_default();
    Some(ForgePerson {
        id: int(value, "id")?,
        name: text(value, "name").unwrap_or_else(|| username.clone()),
        username,
    })
}

/// An issue.
pub fn issue(value: &Value) -> Option<ForgeIssue> {
    let several = value.get("assignees").and_then(Value::as_array);
    let assignees: Vec<ForgePerson> = match several {
        Some(several) => several.iter().filter_map(person).collect(),
        None => value.get("assignee").and_then(person).into_iter().collect(),
    };
    Some(ForgeIssue {
        iid: int(value, "iid")?,
        title: text(value, "title").unwrap_or_default(),
        description: text(value, "description").unwrap_or_default(),
        state: text(value, "state")?,
        labels: value.get("labels").map(texts).unwrap_or_default(),
        assignees,
        due_on: text(value, "due_date"),
        confidential: flag(value, "confidential"),
        moved: int(value, "moved_to_id").is_some(),
        web_url: text(value, "web_url").unwrap_or_default(),
        author: value.get("author").and_then(person).unwrap_or_default(),
        // Where GitLab does not say, it is asked.
        has_notes: int(value, "user_notes_count") != Some(0),
        updated_at: time(value, "updated_at")?,
    })
}

/// A note.
pub fn note(value: &Value) -> Option<ForgeNote> {
    Some(ForgeNote {
        id: int(value, "id")?,
        body: text(value, "body").unwrap_or_default(),
        system: flag(value, "system"),
        // It was called `confidential` before GitLab 15.3.
        internal: flag(value, "internal") || flag(value, "confidential"),
        author: value.get("author").and_then(person).unwrap_or_default(),
        created_at: time(value, "created_at")?,
    })
}

/// What an edit sends: what it leaves alone is left out.
fn body(edit: &IssueEdit, new: bool) -> Value {
    let mut body = json!({});
    if let Some(title) = &edit.title {
        body["title"] = title.as_str().into();
    }
    if let Some(description) = &edit.description {
        body["description"] = description.as_str().into();
    }
    if let (Some(closed), false) = (edit.closed, new) {
        body["state_event"] = if closed { "close" } else { "reopen" }.into();
    }
    let (add, remove) = (edit.add_labels.join(","), edit.remove_labels.join(","));
    if !add.is_empty() {
        body[if new { "labels" } else { "add_labels" }] = add.into();
    }
    if !remove.is_empty() && !new {
        body["remove_labels"] = remove.into();
    }
    if let Some(assignee) = edit.assignee {
        // GitLab takes 0 for nobody.
        body["assignee_ids"] = if new && assignee == 0 {
            json!([])
        } else {
            json!([assignee])
        };
    }
    if let Some(due_on) = &edit.due_on {
        body["due_date"] = due_on.as_str().into();
    }
    body
}

fn list(project: i64) -> Result<Call, ForgeError> {
    // Without a scope GitLab answers everybody's, in a project.
    Ok(Call::get(format!("projects/{}/issues", id(project)?)).with("state", "all"))
}

fn at(project: i64, iid: i64) -> Result<String, ForgeError> {
    Ok(format!("projects/{}/issues/{}", id(project)?, id(iid)?))
}

#[async_trait]
impl IssueForge for Gitlab {
    async fn issues_since(
        &self,
        project: i64,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<ForgeIssue>, ForgeError> {
        let call = list(project)?
            .with("order_by", "updated_at")
            .with("sort", "asc")
            .with("updated_after", since.rfc3339_millis());
        let items = self.list(Ok::<_, ForgeError>(call), limit).await?;
        Ok(each(&items, "issue", issue))
    }

    async fn newest_change(&self, project: i64) -> Result<Option<ForgeIssue>, ForgeError> {
        let call = list(project)?.with("order_by", "updated_at").with("sort", "desc");
        let items = self.list(Ok::<_, ForgeError>(call), 1).await?;
        Ok(each(&items, "issue", issue).into_iter().next())
    }

    async fn issues(
        &self,
        project: i64,
        newest_first: bool,
        page: u32,
    ) -> Result<ForgePage<ForgeIssue>, ForgeError> {
        let path = format!("projects/{}/issues", id(project)?);
        let sort = if newest_first { "desc" } else { "asc" };
        let query = [("state", "all"), ("order_by", "created_at"), ("sort", sort)];
        let (items, more) = paged(&self.client, &path, &query, page).await?;
        Ok(ForgePage {
            items: each(&items, "issue", issue),
            more,
        })
    }

    async fn issue(&self, project: i64, iid: i64) -> Result<ForgeIssue, ForgeError> {
        must(issue(&self.call(Call::get(at(project, iid)?)).await?), "issue")
    }

    async fn create_issue(&self, project: i64, new: &IssueEdit) -> Result<ForgeIssue, ForgeError> {
        let path = format!("projects/{}/issues", id(project)?);
        must(
            issue(&self.call(Call::post(path, body(new, true))).await?),
            "issue",
        )
    }

    async fn update_issue(&self, project: i64, iid: i64, edit: &IssueEdit) -> Result<ForgeIssue, ForgeError> {
        must(
            issue(&self.call(Call::put(at(project, iid)?, body(edit, false))).await?),
            "issue",
        )
    }

    async fn notes(&self, project: i64, iid: i64) -> Result<Vec<ForgeNote>, ForgeError> {
        let call = Call::get(format!("{}/notes", at(project, iid)?))
            .with("order_by", "created_at")
            .with("sort", "asc");
        let items = self.list(Ok::<_, ForgeError>(call), NOTES).await?;
        Ok(each(&items, "note", note))
    }

    async fn create_note(&self, project: i64, iid: i64, body: &str) -> Result<i64, ForgeError> {
        let path = format!("{}/notes", at(project, iid)?);
        let value = self.call(Call::post(path, json!({ "body": body }))).await?;
        must(int(&value, "id"), "note")
    }

    async fn update_note(&self, project: i64, iid: i64, note: i64, body: &str) -> Result<(), ForgeError> {
        let path = format!("{}/notes/{}", at(project, iid)?, id(note)?);
        self.call(Call::put(path, json!({ "body": body })))
            .await
            .map(drop)
    }
}
