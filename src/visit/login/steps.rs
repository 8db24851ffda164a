//! A login made step by step: go there, fill in, click, wait. Made once for a job, in a profile of its
//! own; what it leaves there is brought along by every visit.

use std::cell::RefCell;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::{Login, LoginError, listed};
use crate::browser::browser_protocol::input::{
    DispatchMouseEventParams, DispatchMouseEventType, InsertTextParams, MouseButton,
};
use crate::browser::browser_protocol::page::NavigateParams;
use crate::browser::browser_protocol::storage::GetCookiesParams;
use crate::browser::browser_protocol::target::{AttachToTargetParams, CreateTargetParams};
use crate::browser::js_protocol::runtime::EvaluateParams;
use crate::browser::{Browser, BrowserError, Session};

/// Most steps of a file.
const MOST_STEPS: usize = 100;
/// How long a step may take.
const STEP_LIMIT: Duration = Duration::from_secs(30);
/// How often is looked whether a step can be made.
const LOOK: Duration = Duration::from_millis(100);
/// How long the page may go on after the last step: it stores what was answered.
const AFTERWARDS: Duration = Duration::from_secs(2);

/// In the answer where an element is named by something that is no selector.
const NO_SELECTOR: &str = "no selector";

/// Why a login could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StepsError {
    /// The file is wrong.
    #[error("{0}")]
    Form(String),
    /// A secret is missing.
    #[error("the environment has no variable {0}, which a step of the login needs")]
    Secret(String),
    /// A step could not be made.
    #[error("step {number} of the login ({step}) could not be made: {reason}")]
    Step {
        /// Its number, from 1.
        number: usize,
        /// What it was to do, without what it fills in.
        step: String,
        /// Why not.
        reason: String,
    },
    /// The browser failed.
    #[error("the login could not be made")]
    Browser(#[from] BrowserError),
    /// What the login left cannot be brought along.
    #[error("what the login left cannot be brought along")]
    Left(#[from] LoginError),
}

/// One step.
#[derive(Clone)]
enum Step {
    Goto(String),
    Fill { field: String, text: String },
    Click(String),
    WaitFor(String),
    Wait(Duration),
}

impl Step {
    /// What it does, without secrets.
    fn shown(&self) -> String {
        match self {
            Self::Goto(url) => format!("goto {}", url.split(['?', '#']).next().unwrap_or_default()),
            Self::Fill { field, .. } => format!("fill {field}"),
            Self::Click(element) => format!("click {element}"),
            Self::WaitFor(element) => format!("wait {element}"),
            Self::Wait(time) => format!("wait {} ms", time.as_millis()),
        }
    }
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    step: Vec<Line>,
}

/// One step of the file: one of the four, `value` goes with `fill`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    goto: Option<String>,
    fill: Option<String>,
    value: Option<String>,
    click: Option<String>,
    wait: Option<String>,
}

/// The steps of a login.
#[derive(Clone)]
pub struct Steps {
    steps: Vec<Step>,
    /// What the environment gave.
    secrets: Vec<String>,
}

impl std::fmt::Debug for Steps {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = self.steps.iter().map(Step::shown);
        formatter.debug_list().entries(shown).finish()
    }
}

impl Steps {
    /// Reads the file. `${NAME}` in an address or a value is what `secret` says of it.
    pub fn parse(text: &str, secret: &dyn Fn(&str) -> Option<String>) -> Result<Self, StepsError> {
        let form = |reason: String| StepsError::Form(reason);
        let file: File = toml::from_str(text).map_err(|error| form(error.message().to_owned()))?;
        if file.step.is_empty() || file.step.len() > MOST_STEPS {
            return Err(form(format!("a login has 1 to {MOST_STEPS} steps")));
        }
        let given = RefCell::new(Vec::new());
        let secret = |name: &str| {
            let value = secret(name)?;
            given.borrow_mut().push(value.clone());
            Some(value)
        };
        let secret: &dyn Fn(&str) -> Option<String> = &secret;
        let steps = (1..).zip(file.step).map(|(number, line)| match line {
            Line {
                goto: Some(url),
                fill: None,
                value: None,
                click: None,
                wait: None,
            } => Ok(Step::Goto(filled(&url, secret)?)),
            Line {
                goto: None,
                fill: Some(field),
                value: Some(value),
                click: None,
                wait: None,
            } => {
                let text = filled(&value, secret)?;
                Ok(Step::Fill { field, text })
            }
            Line {
                goto: None,
                fill: None,
                value: None,
                click: Some(element),
                wait: None,
            } => Ok(Step::Click(element)),
            Line {
                goto: None,
                fill: None,
                value: None,
                click: None,
                wait: Some(what),
            } => Ok(
                match what.parse::<jiff::SignedDuration>().map(Duration::try_from) {
                    Ok(Ok(time)) => Step::Wait(time.min(STEP_LIMIT)),
                    _ => Step::WaitFor(what),
                },
            ),
            _ => Err(StepsError::Form(format!(
                "step {number} is none: each has one of goto, fill (with value), click, wait"
            ))),
        });
        let steps = steps.collect::<Result<_, _>>()?;
        Ok(Self {
            steps,
            secrets: given.into_inner(),
        })
    }

    /// Makes the login and returns what it left: cookies, and the local storage of the last page.
    pub async fn carry_out(&self, browser: &Browser) -> Result<Login, StepsError> {
        let context = browser.new_context().await?;
        let done = self.carry_out_in(browser, &context).await;
        if let Err(error) = browser.dispose_context(&context).await {
            tracing::debug!(%error, "the profile of the login could not be thrown away");
        }
        done
    }

    async fn carry_out_in(&self, browser: &Browser, context: &str) -> Result<Login, StepsError> {
        let page = open(browser, context).await?;
        for (number, step) in (1..).zip(&self.steps) {
            make(&page, step).await.map_err(|reason| StepsError::Step {
                number,
                step: step.shown(),
                reason,
            })?;
        }
        tokio::time::sleep(AFTERWARDS).await;
        let jar = browser
            .root()
            .call(GetCookiesParams {
                browser_context_id: Some(context.to_owned().into()),
            })
            .await?;
        let mut login = Login {
            filled: self.secrets.clone(),
            ..Login::default()
        };
        // None at all is no login by cookies, and maybe one by storage.
        if jar["cookies"]
            .as_array()
            .is_some_and(|cookies| !cookies.is_empty())
        {
            login.cookies = listed(jar["cookies"].clone())?;
        }
        let stored = "JSON.stringify([location.origin, Object.entries(localStorage)])";
        let stored = evaluate(&page, stored).await.unwrap_or_default();
        let stored: (String, Vec<(String, String)>) =
            serde_json::from_str(stored.as_str().unwrap_or_default()).unwrap_or_default();
        for (key, value) in stored.1 {
            login.add_entry(&stored.0, key, value);
        }
        login.bounded()?;
        Ok(login)
    }
}

/// Puts secrets in the place of `${NAME}`.
fn filled(text: &str, secret: &dyn Fn(&str) -> Option<String>) -> Result<String, StepsError> {
    let mut full = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else {
            break;
        };
        full.push_str(before);
        full.push_str(&secret(name).ok_or_else(|| StepsError::Secret(name.to_owned()))?);
        rest = behind;
    }
    full.push_str(rest);
    Ok(full)
}

async fn open(browser: &Browser, context: &str) -> Result<Session, BrowserError> {
    let create = CreateTargetParams {
        browser_context_id: Some(context.to_owned().into()),
        ..CreateTargetParams::new("about:blank")
    };
    let created = browser.root().call(create).await?;
    let target = created["targetId"].as_str().unwrap_or_default();
    let attach = AttachToTargetParams {
        flatten: Some(true),
        ..AttachToTargetParams::new(target.to_owned())
    };
    let attached = browser.root().call(attach).await?;
    let session = attached["sessionId"].as_str().unwrap_or_default();
    Ok(Session::attached(browser.connection().clone(), session))
}

async fn evaluate(page: &Session, expression: &str) -> Result<Json, BrowserError> {
    let ask = EvaluateParams {
        return_by_value: Some(true),
        ..EvaluateParams::new(expression)
    };
    let answer = page.call_within(ask, STEP_LIMIT).await?;
    let wrong = answer["exceptionDetails"]["exception"]["description"].as_str();
    // Thrown by `querySelector`; what else is thrown may be better the next time.
    if wrong.is_some_and(|wrong| wrong.starts_with("SyntaxError")) {
        return Ok(json!({ NO_SELECTOR: true }));
    }
    Ok(answer["result"]["value"].clone())
}

/// Asks until the answer is something, or until the step has taken too long.
async fn until_something(page: &Session, expression: &str) -> Result<Json, String> {
    let until = Instant::now() + STEP_LIMIT;
    loop {
        // While a page gives way to another one, nobody answers.
        let answer = evaluate(page, expression).await.unwrap_or_default();
        if answer.get(NO_SELECTOR).is_some() {
            return Err("it is no CSS selector".to_owned());
        }
        if !answer.is_null() && answer != Json::Bool(false) {
            return Ok(answer);
        }
        if Instant::now() > until {
            return Err(format!(
                "nothing came of it within {} s",
                STEP_LIMIT.as_secs()
            ));
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn make(page: &Session, step: &Step) -> Result<(), String> {
    match step {
        Step::Goto(url) => {
            let answer = page
                .call_within(NavigateParams::new(url.clone()), STEP_LIMIT)
                .await
                .map_err(|error| error.to_string())?;
            if let Some(error) = answer["errorText"].as_str() {
                return Err(error.to_owned());
            }
            until_something(page, "document.readyState === 'complete'")
                .await
                .map(drop)
        }
        Step::Fill { field, text } => {
            let focus = format!(
                "(() => {{ const field = document.querySelector({}); if (!field) return false; field.focus(); field.select?.(); return true; }})()",
                json!(field)
            );
            until_something(page, &focus).await?;
            page.call(InsertTextParams::new(text.clone()))
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        }
        Step::Click(element) => {
            let place = format!(
                "(() => {{ const element = document.querySelector({}); if (!element) return false;
                 element.scrollIntoView({{ block: 'center' }}); const at = element.getBoundingClientRect();
                 return at.width > 0 && [at.x + at.width / 2, at.y + at.height / 2]; }})()",
                json!(element)
            );
            let place = until_something(page, &place).await?;
            let (Some(x), Some(y)) = (place[0].as_f64(), place[1].as_f64()) else {
                return Err("it has no place".to_owned());
            };
            for kind in [
                DispatchMouseEventType::MousePressed,
                DispatchMouseEventType::MouseReleased,
            ] {
                let event = DispatchMouseEventParams {
                    button: Some(MouseButton::Left),
                    click_count: Some(1),
                    ..DispatchMouseEventParams::new(kind, x, y)
                };
                page.call_within(event, STEP_LIMIT)
                    .await
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        }
        Step::WaitFor(element) => {
            let there = format!("document.querySelector({}) !== null", json!(element));
            until_something(page, &there).await.map(drop)
        }
        Step::Wait(time) => {
            tokio::time::sleep(*time).await;
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<String>, String> {
        let secret = |name: &str| (name == "WORD").then(|| "secret".to_owned());
        Steps::parse(text, &secret)
            .map(|steps| steps.steps.iter().map(Step::shown).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn steps_are_read_and_shown_without_secrets() {
        let steps = parsed(
            "[[step]]\ngoto = \"https://shop.test/login?t=${WORD}\"\n[[step]]\nfill = \"#word\"\nvalue = \"${WORD}\"\n\
             [[step]]\nclick = \"button\"\n[[step]]\nwait = \"#account\"\n[[step]]\nwait = \"2s\"",
        );
        let expected = [
            "goto https://shop.test/login",
            "fill #word",
            "click button",
            "wait #account",
            "wait 2000 ms",
        ];
        assert_eq!(steps.unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, said) in [
            ("", "step"),
            ("step = []", "1 to 100 steps"),
            ("[[step]]\ngoto = \"a\"\nclick = \"b\"", "step 1 is none"),
            ("[[step]]\nfill = \"a\"", "step 1 is none"),
            ("[[step]]\nhover = \"a\"", "hover"),
            ("[[step]]\nfill = \"a\"\nvalue = \"${OTHER}\"", "OTHER"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
