//! Messages in the forms channels take. Texts come from web pages: each form spells out what would mean
//! something in it.

use askama::Template;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::message::{Message, Outline};

/// The form of what is posted to webhooks, in its field `schema`.
pub const SCHEMA: &str = "consentinel/alert/v1";

/// What is posted to webhooks: the body of the request, in JSON. Fields may be added to this version;
/// none is taken away or changes its meaning.
#[derive(Debug, Serialize)]
struct Body<'a> {
    /// Always `consentinel/alert/v1`.
    schema: &'static str,
    /// The delivery, the same for every try; also in the header `webhook-id`.
    id: &'a str,
    /// When the alert came about.
    created: Timestamp,
    /// What it says, in one line for people.
    headline: String,
    /// What it says.
    alert: &'a Message,
}

/// For a program of one's own.
pub(super) fn webhook(id: &str, created: Timestamp, message: &Message) -> Value {
    let body = Body {
        schema: SCHEMA,
        id,
        created,
        headline: message.outline().headline,
        alert: message,
    };
    serde_json::to_value(body).unwrap_or_default()
}

/// For Slack's incoming webhooks, and those that take the same.
pub(super) fn slack(message: &Message) -> Value {
    let outline = message.outline();
    let mut text = format!("*{}*\n", mrkdwn(&outline.headline));
    for section in &outline.sections {
        text.push_str(&format_line(&["*", section.title, "*"]));
        for item in &section.items {
            let (title, page) = (mrkdwn(&item.title), mrkdwn_code(&item.page));
            let subject = mrkdwn_code(&item.subject);
            text.push_str(&format_line(&[
                "• ",
                item.severity,
                ": ",
                &title,
                " ",
                &subject,
                " on ",
                &page,
            ]));
        }
        if let Some(more) = section.more() {
            text.push_str(&format_line(&["• ", &more]));
        }
    }
    for note in &outline.notes {
        text.push_str(&format_line(&[&mrkdwn(note)]));
    }
    if let Some(link) = &outline.link {
        text.push_str(&format_line(&["<", &mrkdwn_link(link), "|Look at it>"]));
    }
    json!({ "text": text, "mrkdwn": true, "unfurl_links": false, "unfurl_media": false })
}

fn format_line(parts: &[&str]) -> String {
    let mut line = parts.concat();
    line.push('\n');
    line
}

/// Text in Slack's mrkdwn: its three signs as entities, and what would format or link, taken apart.
fn mrkdwn(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Nothing escapes these; a sign that looks like them does.
            '*' => escaped.push('∗'),
            '~' => escaped.push('∼'),
            '`' => escaped.push('ˋ'),
            // No address becomes a link, and no name a mention.
            ':' | '@' | '#' => escaped.extend([letter, '\u{2060}']),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// Text of pages as code: it formats nothing and links nowhere.
fn mrkdwn_code(text: &str) -> String {
    let mut escaped = String::from("`");
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '`' => escaped.push('ˋ'),
            _ => escaped.push(letter),
        }
    }
    escaped.push('`');
    escaped
}

/// An address of ours inside `<…|…>`.
fn mrkdwn_link(link: &str) -> String {
    link.replace('&', "&amp;")
        .replace(['<', '>', '|', '`', ' '], "")
}

/// For a workflow of Microsoft Teams: an adaptive card of rich text, which knows no Markdown.
pub(super) fn teams(message: &Message) -> Value {
    let outline = message.outline();
    let run =
        |text: &str, weight: &str| json!({ "type": "TextRun", "text": text, "weight": weight });
    let paragraph = |inlines: Vec<Value>, spacing: &str| json!({ "type": "RichTextBlock", "spacing": spacing, "inlines": inlines });
    let mut body = vec![json!({
        "type": "RichTextBlock",
        "inlines": [{ "type": "TextRun", "text": outline.headline, "weight": "bolder", "size": "medium" }],
    })];
    for section in &outline.sections {
        body.push(paragraph(vec![run(section.title, "bolder")], "medium"));
        for item in &section.items {
            body.push(paragraph(
                vec![
                    run(&format!("{}: ", item.severity), "bolder"),
                    run(&format!("{} ", item.title), "default"),
                    run(&format!("{} on {}", item.subject, item.page), "lighter"),
                ],
                "small",
            ));
        }
        if let Some(more) = section.more() {
            body.push(paragraph(vec![run(&more, "default")], "small"));
        }
    }
    for note in &outline.notes {
        body.push(paragraph(vec![run(note, "default")], "medium"));
    }
    let actions: Vec<Value> = outline
        .link
        .iter()
        .map(|link| json!({ "type": "Action.OpenUrl", "title": "Look at it", "url": link }))
        .collect();
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": actions,
            },
        }],
    })
}

/// For a Matrix room: an event `m.room.message`.
pub(super) fn matrix(message: &Message) -> Value {
    json!({
        // A notice: programs do not answer it (m.notice of the client-server API).
        "msgtype": "m.notice",
        "body": plain(message),
        "format": "org.matrix.custom.html",
        "formatted_body": html(message),
        // Nobody is called, whatever names a page writes.
        "m.mentions": {},
    })
}

/// Plain text.
pub(super) fn plain(message: &Message) -> String {
    let outline = message.outline();
    let mut text = format_line(&[&outline.headline]);
    for section in &outline.sections {
        text.push_str(&format_line(&["\n", section.title, ":"]));
        for item in &section.items {
            text.push_str(&format_line(&["- ", item.severity, ": ", &item.title]));
            text.push_str(&format_line(&["  ", &item.subject, " on ", &item.page]));
        }
        if let Some(more) = section.more() {
            text.push_str(&format_line(&["- ", &more]));
        }
    }
    for (at, note) in outline.notes.iter().enumerate() {
        text.push_str(&format_line(&[if at == 0 { "\n" } else { "" }, note]));
    }
    if let Some(link) = &outline.link {
        text.push_str(&format_line(&["\n", link]));
    }
    text
}

/// HTML of few elements, which mail programs and Matrix clients both show.
pub(super) fn html(message: &Message) -> String {
    Html {
        outline: message.outline(),
    }
    .render()
    .unwrap_or_default()
}

#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<h3>{{ outline.headline }}</h3>
{% for section in outline.sections %}<p><strong>{{ section.title }}</strong></p>
<ul>
{% for item in section.items %}<li>{{ item.severity }}: {{ item.title }}<br><code>{{ item.subject }}</code> on {{ item.page }}</li>
{% endfor %}{% if let Some(more) = section.more() %}<li>{{ more }}</li>
{% endif %}</ul>
{% endfor %}{% for note in outline.notes %}<p>{{ note }}</p>
{% endfor %}{% if let Some(link) = outline.link %}<p><a href="{{ link }}">Look at it</a></p>
{% endif %}"#
)]
struct Html {
    outline: Outline,
}

#[cfg(test)]
mod tests {
    use super::super::channel::Occasion;
    use super::super::message::{AuditTold, FindingTold, FindingsTold, SiteTold};
    use super::*;
    use crate::model::finding::Severity;

    /// A message of which a page wrote everything it can write.
    fn hostile(text: &str) -> Message {
        let finding = FindingTold {
            id: "R02-1".to_owned(),
            rule: "R02".to_owned(),
            title: format!("A title {text}"),
            severity: Severity::Critical,
            kind: "cookie".to_owned(),
            host: text.to_owned(),
            name: text.to_owned(),
            service: Some(text.to_owned()),
            page: text.to_owned(),
        };
        Message {
            events: vec![Occasion::NewFindings],
            site: SiteTold {
                id: "shop".to_owned(),
                name: format!("Shop {text}"),
                url: "https://shop.test/".to_owned(),
            },
            audit: Some(AuditTold {
                id: "a".to_owned(),
                asked_by: "schedule nightly".to_owned(),
                finished: None,
                pages: 2,
                incomplete_pages: 1,
                findings: 30,
                error: None,
            }),
            run: Some("r".to_owned()),
            link: Some("https://watch.test/runs/r".to_owned()),
            new: FindingsTold {
                count: 3,
                items: vec![finding],
            },
            fixed: FindingsTold::default(),
        }
    }

    #[test]
    fn a_message_says_what_people_need() {
        let message = hostile("_ga");
        for text in [
            plain(&message),
            html(&message),
            slack(&message)["text"].as_str().unwrap().to_owned(),
            teams(&message).to_string(),
        ] {
            for part in [
                "Shop _ga",
                "3 new findings",
                "critical",
                "A title _ga (R02)",
                "cookie _ga of _ga (_ga)",
                "and 2 more",
                "1 page could not be audited",
                "watch.test/runs/r",
            ] {
                let there = text.contains(part) || text.replace('\u{2060}', "").contains(part);
                assert!(there, "{part} in {text}");
            }
        }
    }

    #[test]
    fn what_a_page_writes_means_nothing_in_any_form() {
        let message =
            hostile("<!channel> <https://evil.test|here> <b>x</b> *bold* `end` [a](b) @room");
        let text = slack(&message)["text"].as_str().unwrap().to_owned();
        let tags: Vec<&str> = text.split('<').skip(1).collect();
        assert_eq!(tags, ["https://watch.test/runs/r|Look at it>\n"]);
        assert!(!html(&message).contains("<b>"), "{}", html(&message));
        assert!(
            !matrix(&message)["formatted_body"]
                .as_str()
                .unwrap()
                .contains("<https")
        );
        assert_eq!(matrix(&message)["m.mentions"], json!({}));
        // Everything a page wrote stands in runs of text, which no Markdown is read in.
        let card = teams(&message);
        for block in card["attachments"][0]["content"]["body"]
            .as_array()
            .unwrap()
        {
            assert_eq!(block["type"], "RichTextBlock");
        }
    }

    #[test]
    fn a_webhook_s_body_has_its_form() {
        let message = hostile("x");
        let body = webhook("d1", Timestamp::UNIX_EPOCH, &message);
        assert_eq!(body["schema"], "consentinel/alert/v1");
        assert_eq!(body["id"], "d1");
        assert_eq!(body["created"], "1970-01-01T00:00:00Z");
        assert_eq!(body["alert"]["events"], json!(["new-findings"]));
        assert_eq!(body["alert"]["new"]["count"], 3);
        assert_eq!(body["alert"]["new"]["items"][0]["severity"], "critical");
        assert_eq!(body["alert"]["site"]["id"], "shop");
    }
}
