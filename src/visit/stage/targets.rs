//! Hears the events of a visit, prepares each target as it attaches, and knows where frames and worlds are.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::{EngineMessage, Shared, documents, lock, places};
use crate::browser::browser_protocol::dom_storage;
use crate::browser::browser_protocol::emulation::{
    SetFocusEmulationEnabledParams, SetLocaleOverrideParams, SetTimezoneOverrideParams,
    SetUserAgentOverrideParams, UserAgentBrandVersion, UserAgentMetadata,
};
use crate::browser::browser_protocol::fetch::{self, ContinueRequestParams, RequestPattern};
use crate::browser::browser_protocol::network;
use crate::browser::browser_protocol::page::{
    self, AddScriptToEvaluateOnNewDocumentParams, HandleJavaScriptDialogParams,
};
use crate::browser::browser_protocol::service_worker;
use crate::browser::connection::{Heard, Reply};
use crate::browser::js_protocol::debugger::{self, ResumeParams, SetBlackboxPatternsParams};
use crate::browser::js_protocol::runtime::{
    self, AddBindingParams, EvaluateParams, ExecutionContextId, RunIfWaitingForDebuggerParams,
    SetAsyncCallStackDepthParams,
};
use crate::browser::launch::attach_to_everything;
use crate::browser::{Connection, Event, Session};
use crate::visit::consent::record::speaks_of_refusing;
use crate::visit::record::{HOOK, Told};

/// The name of our own world, which pages cannot enter.
const OWN_WORLD: &str = "consentinel";
/// Largest request body recorded, in bytes.
const LARGEST_BODY: i64 = 64 * 1024;
/// How deep the browser follows asynchronous calls.
const ASYNC_DEPTH: i64 = 32;
/// How long one preparing command of the page's own target may take.
const PREPARE_LIMIT: Duration = Duration::from_secs(15);

/// How targets are prepared.
#[derive(Debug, Clone, Default)]
pub struct Preparation {
    /// Name of the channel by which the hook reports; nobody can guess it.
    pub hook_channel: String,
    /// Name of the channel by which the rule engine talks.
    pub engine_channel: String,
    /// The banner finder, for our own world of every frame.
    pub finder: String,
    /// The rule engine, for the same worlds once there is a banner: most pages never need it.
    pub engine_scripts: Vec<String>,
    /// The user agent to send.
    pub user_agent: String,
    /// `Accept-Language` and `navigator.language`, such as `de-DE`.
    pub locale: Option<String>,
    /// IANA time zone.
    pub timezone: Option<String>,
    /// Whether to read what the page loads that declares what is stored.
    pub reads_declarations: bool,
}

impl Preparation {
    /// The hook's channel in one target. Each has its own: pages of one process share their
    /// breakpoints, and the condition of another's must find nobody to call.
    fn hook_channel_of(&self, session: Option<&str>) -> String {
        format!("{}_{}", self.hook_channel, session.unwrap_or_default())
    }

    /// The user agent with client hints that agree with it, as an ordinary Chrome sends them.
    fn user_agent_override(&self) -> SetUserAgentOverrideParams {
        let major = self
            .user_agent
            .split("Chrome/")
            .nth(1)
            .and_then(|rest| rest.split('.').next())
            .unwrap_or("0")
            .to_owned();
        let brands = |version: &str| {
            [
                ("Chromium", version),
                ("Google Chrome", version),
                ("Not)A;Brand", "24"),
            ]
            .map(|(brand, version)| UserAgentBrandVersion::new(brand, version))
            .to_vec()
        };
        let platform = if self.user_agent.contains("Windows") {
            "Windows"
        } else if self.user_agent.contains("Mac OS") {
            "macOS"
        } else {
            "Linux"
        };
        let metadata = UserAgentMetadata {
            brands: Some(brands(&major)),
            full_version_list: Some(brands(&format!("{major}.0.0.0"))),
            platform: platform.to_owned(),
            platform_version: String::new(),
            architecture: "x86".to_owned(),
            model: String::new(),
            mobile: false,
            bitness: Some("64".to_owned()),
            wow64: Some(false),
            form_factors: None,
        };
        SetUserAgentOverrideParams {
            user_agent: self.user_agent.clone(),
            accept_language: self.locale.clone(),
            platform: None,
            user_agent_metadata: Some(metadata),
        }
    }
}

/// An execution context of a frame.
#[derive(Debug, Clone)]
pub struct World {
    /// The session it is reached through.
    pub session: Session,
    /// Its id there (CDP `Runtime.ExecutionContextId`).
    pub context: i64,
    /// Its frame.
    pub frame: String,
}

#[derive(Debug)]
struct KnownWorld {
    world: World,
    own: bool,
}

#[derive(Debug, Clone)]
struct Target {
    session: Session,
    kind: String,
    url: String,
    id: String,
    parent: Option<String>,
}

impl Target {
    /// It shows documents; the others are workers.
    fn has_frames(&self) -> bool {
        matches!(
            self.kind.as_str(),
            "page" | "iframe" | "webview" | "portal" | "fenced_frame"
        )
    }
}

/// Where targets, frames and worlds are.
#[derive(Debug, Default)]
pub(super) struct Targets {
    by_session: HashMap<String, Target>,
    attached: HashSet<String>,
    page: Option<String>,
    worlds: HashMap<(String, i64), KnownWorld>,
}

impl Targets {
    /// Our own worlds, the top frame's first.
    pub(super) fn own_worlds(&self) -> Vec<World> {
        let mut worlds: Vec<World> = self
            .worlds
            .values()
            .filter(|known| known.own)
            .map(|known| known.world.clone())
            .collect();
        worlds.sort_by_key(|world| {
            (
                Some(world.frame.as_str()) != self.page.as_deref(),
                world.context,
            )
        });
        worlds
    }

    pub(super) fn world(&self, session: &str, context: i64) -> Option<World> {
        self.worlds
            .get(&(session.to_owned(), context))
            .map(|known| known.world.clone())
    }

    pub(super) fn page_world_beside(&self, session: &str, context: i64) -> Option<World> {
        let frame = self.world(session, context)?.frame;
        self.page_world(&frame)
    }

    pub(super) fn page_world(&self, frame: &str) -> Option<World> {
        self.worlds
            .values()
            .find(|known| !known.own && known.world.frame == frame)
            .map(|known| known.world.clone())
    }

    /// The frame at the root of a session's process, and the session of the process above it.
    pub(super) fn root_frame_of(&self, session: &Session) -> Option<(String, Session)> {
        let target = self.by_session.get(session.id()?)?;
        if target.kind != "iframe" {
            return None;
        }
        let parent = self.by_session.get(target.parent.as_ref()?)?;
        Some((target.id.clone(), parent.session.clone()))
    }

    /// The session of the page itself.
    pub(super) fn page_session(&self) -> Option<Session> {
        let page = self.page.as_ref()?;
        self.by_session
            .values()
            .find(|target| &target.id == page)
            .map(|target| target.session.clone())
    }

    fn worker_of(&self, session: Option<&str>) -> Option<(String, String)> {
        let target = self.by_session.get(session?)?;
        target
            .kind
            .contains("work")
            .then(|| (target.kind.clone(), target.url.clone()))
    }
}

/// Hears everything until the browser or the visit ends.
pub(super) async fn listen(
    connection: Connection,
    mut heard: mpsc::UnboundedReceiver<Heard>,
    shared: Arc<Shared>,
) {
    while let Some(heard) = heard.recv().await {
        match heard {
            Heard::Event(event) => take(&connection, &shared, &event),
            Heard::Unreadable => lock(&shared.recording).lost += 1,
        }
    }
    lock(&shared.page).crashed = true;
}

fn take(connection: &Connection, shared: &Arc<Shared>, event: &Event) {
    let session = event.session.as_deref();
    let params = &event.params;
    match event.method.as_ref() {
        "Emulation.virtualTimeBudgetExpired" => {
            if let (Some(simulation), Some(session)) = (&shared.simulation, session) {
                simulation.expired(session);
            }
        }
        "Target.attachedToTarget" => attached(connection, shared, session, params),
        "Target.detachedFromTarget" => detached(shared, params),
        "Inspector.targetCrashed" => {
            let (id, page) = {
                let mut targets = lock(&shared.targets);
                // What crashed answers no more.
                targets
                    .worlds
                    .retain(|(owner, _), _| Some(owner.as_str()) != session);
                let target = session.and_then(|session| targets.by_session.get(session));
                (target.map(|target| target.id.clone()), targets.page.clone())
            };
            if let Some(session) = session {
                lock(&shared.places).forget(session);
            }
            if let Some(id) = &id {
                lock(&shared.recording).on_target_end(id, true);
            }
            if id.is_some() && id == page {
                lock(&shared.page).crashed = true;
            }
        }
        "Inspector.targetReloadedAfterCrash" => {
            let targets = lock(&shared.targets);
            let target = session.and_then(|session| targets.by_session.get(session));
            if let Some(id) = target.map(|target| target.id.clone()) {
                drop(targets);
                lock(&shared.recording).on_target_back(&id);
            }
        }
        "Runtime.executionContextCreated" => {
            world_created(connection, shared, session, &params["context"]);
        }
        "Runtime.executionContextDestroyed" => {
            if let (Some(session), Some(id)) = (session, params["executionContextId"].as_i64()) {
                lock(&shared.targets)
                    .worlds
                    .remove(&(session.to_owned(), id));
            }
        }
        "Runtime.executionContextsCleared" => {
            if let Some(session) = session {
                lock(&shared.targets)
                    .worlds
                    .retain(|(owner, _), _| owner != session);
            }
        }
        "Runtime.bindingCalled" => binding_called(shared, session, params),
        "Runtime.consoleAPICalled" => hook_spoke(shared, session, params),
        // A `debugger` statement of the page, or its memory is full: it must not stand still.
        "Debugger.paused" => {
            if let Some(session) = session {
                let resume = ResumeParams::default();
                drop(Session::attached(connection.clone(), session).send(resume));
            }
        }
        "Page.frameNavigated" => {
            let frame = &params["frame"];
            places::frame_arrived(connection, shared, session, frame);
            // The frame at the root of a target has the target's id.
            if let (Some(id), Some(url)) = (frame["id"].as_str(), frame["url"].as_str()) {
                lock(&shared.recording).on_target_moved(id, url);
            }
            let main = frame["parentId"].is_null()
                && frame["id"].as_str() == lock(&shared.targets).page.as_deref();
            if main {
                let url = frame["url"].as_str().unwrap_or_default();
                lock(&shared.recording).on_page(url);
                let mut page = lock(&shared.page);
                url.clone_into(&mut page.url);
                page.loader = frame["loaderId"].as_str().map(str::to_owned);
                drop(page);
                if let Some(simulation) = &shared.simulation {
                    simulation.navigated();
                }
            }
        }
        "Page.navigatedWithinDocument"
            if params["frameId"].as_str() == lock(&shared.targets).page.as_deref() =>
        {
            params["url"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut lock(&shared.page).url);
        }
        "Page.loadEventFired" => {
            let of_page = {
                let targets = lock(&shared.targets);
                session
                    .and_then(|session| targets.by_session.get(session))
                    .is_some_and(|target| Some(&target.id) == targets.page.as_ref())
            };
            if of_page {
                lock(&shared.page).loads += 1;
            }
        }
        "Page.javascriptDialogOpening" => {
            if let Some(session) = session {
                // Leaving is allowed, and who is asked whether to refuse is sure; everything else is
                // answered with no.
                let sure = params["type"] == "confirm"
                    && speaks_of_refusing(params["message"].as_str().unwrap_or_default());
                let yes = sure || params["type"] == "beforeunload";
                drop(
                    Session::attached(connection.clone(), session)
                        .send(HandleJavaScriptDialogParams::new(yes)),
                );
                if sure {
                    return;
                }
                let mut page = lock(&shared.page);
                if page.dialogs.len() < 10 {
                    let said: String = params["message"]
                        .as_str()
                        .unwrap_or_default()
                        .chars()
                        .take(200)
                        .collect();
                    page.dialogs.push(said);
                }
            }
        }
        "Fetch.requestPaused" => {
            if let (Some(session), Some(id)) = (session, params["requestId"].as_str()) {
                let go_on = ContinueRequestParams::new(id.to_owned());
                drop(Session::attached(connection.clone(), session).send(go_on));
                if let Some(simulation) = &shared.simulation {
                    simulation.sign_of_life();
                }
                lock(&shared.recording).on_paused(params);
            }
        }
        "Page.downloadWillBegin" => lock(&shared.page).download = true,
        method if method.starts_with("Network.") => {
            // A socket that chatters for ever must not hold the clock.
            if let Some(simulation) = &shared.simulation
                && !method.contains("webSocketFrame")
                && method != "Network.dataReceived"
                && method != "Network.eventSourceMessageReceived"
            {
                simulation.sign_of_life();
            }
            let worker = lock(&shared.targets).worker_of(session);
            lock(&shared.recording).on_network(method, params, worker.as_ref());
            if method == "Network.loadingFinished" {
                documents::finished(connection, shared, session, params);
            }
        }
        method if method.starts_with("Storage.") || method.starts_with("ServiceWorker.") => {
            places::heard(shared, method, params);
        }
        method if method.starts_with("DOMStorage.") => {
            lock(&shared.recording).on_storage(method, params);
        }
        _ => {}
    }
}

fn attached(connection: &Connection, shared: &Arc<Shared>, parent: Option<&str>, params: &Json) {
    let Some(id) = params["sessionId"].as_str() else {
        return;
    };
    let info = &params["targetInfo"];
    let target = Target {
        session: Session::attached(connection.clone(), id),
        kind: info["type"].as_str().unwrap_or("other").to_owned(),
        url: info["url"].as_str().unwrap_or_default().to_owned(),
        id: info["targetId"].as_str().unwrap_or_default().to_owned(),
        parent: parent.map(str::to_owned),
    };
    let (first, main) = {
        let mut targets = lock(&shared.targets);
        let first = targets.attached.insert(target.id.clone());
        let main = target.kind == "page" && targets.page.is_none();
        if main {
            targets.page = Some(target.id.clone());
        }
        targets.by_session.insert(id.to_owned(), target.clone());
        (first, main)
    };
    {
        let parent = parent.and_then(|parent| {
            let targets = lock(&shared.targets);
            Some(targets.by_session.get(parent)?.id.clone())
        });
        lock(&shared.recording).on_target(info, parent.as_deref());
    }
    // A service worker attaches once through the browser and once through its page: hear it once.
    let mut replies = if first {
        prepare(&target, &shared.preparation)
    } else {
        Vec::new()
    };
    if main {
        // Told once for the whole profile.
        replies.push(target.session.send(service_worker::EnableParams::default()));
    }
    if let Some(simulation) = shared.simulation.as_ref().filter(|_| first) {
        simulation.sign_of_life();
        if target.has_frames() {
            replies.push(simulation.attached(&target.session));
        }
    }
    if first {
        places::worker_attached(shared, &target.session, &target.kind, &target.url);
    }
    let resumed = target
        .session
        .send(RunIfWaitingForDebuggerParams::default());
    if main {
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let mut failed = None;
            for reply in replies.into_iter().chain(std::iter::once(resumed)) {
                if let Err(error) = reply.within(PREPARE_LIMIT).await {
                    tracing::debug!(%error, "the page was not prepared as planned");
                    if !matches!(error, crate::browser::BrowserError::Refused { .. }) {
                        failed = Some(error.to_string());
                    }
                }
            }
            let mut page = lock(&shared.page);
            match failed {
                Some(failed) => page.failed = Some(failed),
                None => page.session = Some(target.session),
            }
        });
    }
}

/// Everything a paused target needs, in one batch; the caller lets it run.
fn prepare(target: &Target, preparation: &Preparation) -> Vec<Reply> {
    let session = &target.session;
    let mut replies = vec![
        session.send(network::EnableParams {
            max_post_data_size: Some(LARGEST_BODY),
            ..network::EnableParams::default()
        }),
        session.send(attach_to_everything()),
    ];
    let hook = HOOK.replace("CHANNEL", &preparation.hook_channel_of(session.id()));
    replies.extend([
        session.send(runtime::EnableParams::default()),
        session.send(SetAsyncCallStackDepthParams::new(ASYNC_DEPTH)),
        session.send(debugger::EnableParams {
            max_scripts_cache_size: Some(0.0),
        }),
        // Pages notice when `debugger` stops them; in code the debugger ignores, it does not.
        session.send(SetBlackboxPatternsParams::new(vec![".*".to_owned()])),
    ]);
    if !target.has_frames() {
        // A worker has its global object already, and runs nothing before it is let go.
        replies.push(session.send(EvaluateParams {
            include_command_line_api: Some(true),
            ..EvaluateParams::new(hook)
        }));
        return replies;
    }
    // What a script sends while the page is left never shows as a request; held for a moment, it
    // does, and with its whole body.
    let held = [
        network::ResourceType::Ping,
        network::ResourceType::Fetch,
        network::ResourceType::Xhr,
    ];
    let held = held.map(|resource_type| RequestPattern {
        resource_type: Some(resource_type),
        ..RequestPattern::default()
    });
    replies.extend([
        session.send(fetch::EnableParams {
            patterns: Some(held.to_vec()),
            handle_auth_requests: None,
        }),
        session.send(page::EnableParams::default()),
        session.send(dom_storage::EnableParams::default()),
        session.send(AddScriptToEvaluateOnNewDocumentParams {
            include_command_line_api: Some(true),
            ..AddScriptToEvaluateOnNewDocumentParams::new(hook)
        }),
        session.send(AddBindingParams {
            execution_context_name: Some(OWN_WORLD.to_owned()),
            ..AddBindingParams::new(preparation.engine_channel.clone())
        }),
    ]);
    replies.push(session.send(AddScriptToEvaluateOnNewDocumentParams {
        world_name: Some(OWN_WORLD.to_owned()),
        ..AddScriptToEvaluateOnNewDocumentParams::new(preparation.finder.clone())
    }));
    if !preparation.user_agent.is_empty() {
        replies.push(session.send(preparation.user_agent_override()));
    }
    if target.kind == "page" {
        // Hidden pages delay timers and animation, and some tags wait to be seen.
        replies.push(session.send(SetFocusEmulationEnabledParams::new(true)));
        if let Some(locale) = &preparation.locale {
            replies.push(session.send(SetLocaleOverrideParams {
                locale: Some(locale.clone()),
            }));
        }
        if let Some(timezone) = &preparation.timezone {
            replies.push(session.send(SetTimezoneOverrideParams::new(timezone.clone())));
        }
    }
    replies
}

fn detached(shared: &Shared, params: &Json) {
    let Some(id) = params["sessionId"].as_str() else {
        return;
    };
    if let Some(simulation) = &shared.simulation {
        simulation.detached(id);
    }
    let mut targets = lock(&shared.targets);
    let mut ended = None;
    if let Some(target) = targets.by_session.remove(id) {
        let another = |known: &Target| known.id == target.id;
        if !targets.by_session.values().any(another) {
            targets.attached.remove(&target.id);
            ended = Some(target.id.clone());
        }
        if Some(&target.id) == targets.page.as_ref() {
            lock(&shared.page).crashed = true;
        }
    }
    targets.worlds.retain(|(owner, _), _| owner != id);
    drop(targets);
    lock(&shared.places).forget(id);
    if let Some(ended) = ended {
        lock(&shared.recording).on_target_end(&ended, false);
    }
}

fn world_created(connection: &Connection, shared: &Shared, session: Option<&str>, context: &Json) {
    let (Some(session), Some(id), Some(frame)) = (
        session,
        context["id"].as_i64(),
        context["auxData"]["frameId"].as_str(),
    ) else {
        return;
    };
    let main = context["auxData"]["isDefault"].as_bool() == Some(true);
    let own = context["name"] == OWN_WORLD;
    if !main && !own {
        return;
    }
    let world = World {
        session: Session::attached(connection.clone(), session),
        context: id,
        frame: frame.to_owned(),
    };
    if own && shared.engine_awake.load(Ordering::Relaxed) {
        wake_engine_in(&world, &shared.preparation);
    }
    let mut targets = lock(&shared.targets);
    // A frame has one world of each kind: a new document's replaces the old one's.
    targets
        .worlds
        .retain(|_, known| known.own != own || known.world.frame != frame);
    targets
        .worlds
        .insert((session.to_owned(), id), KnownWorld { world, own });
}

/// Starts the rule engine in one of our own worlds. It talks through its channel.
pub(super) fn wake_engine_in(world: &World, preparation: &Preparation) {
    for script in &preparation.engine_scripts {
        // A frame that is gone by now needs no engine.
        drop(world.session.send(EvaluateParams {
            context_id: Some(ExecutionContextId::new(world.context)),
            ..EvaluateParams::new(script.clone())
        }));
    }
}

/// Longest message of a frame that is read, in bytes.
const LONGEST_MESSAGE: usize = 1024 * 1024;

/// A console call: the hook's, if it came through the hook's own console (CDP `Runtime.consoleAPICalled`).
fn hook_spoke(shared: &Shared, session: Option<&str>, params: &Json) {
    let expected = shared.preparation.hook_channel_of(session);
    let ours = params["context"]
        .as_str()
        .and_then(|context| context.split('#').next())
        == Some(expected.as_str());
    let Some(report) = params["args"][0]["value"]
        .as_str()
        .filter(|report| ours && report.len() <= LONGEST_MESSAGE)
        .and_then(|report| serde_json::from_str::<Json>(report).ok())
    else {
        return;
    };
    let told = Told {
        report: &report,
        stack: &params["stackTrace"],
        epoch_ms: params["timestamp"].as_f64(),
        document: (
            session.unwrap_or_default(),
            params["executionContextId"].as_i64().unwrap_or_default(),
        ),
    };
    lock(&shared.recording).on_script(&told);
}

fn binding_called(shared: &Shared, session: Option<&str>, params: &Json) {
    let Some(payload) = params["payload"]
        .as_str()
        .filter(|payload| payload.len() <= LONGEST_MESSAGE)
    else {
        return;
    };
    let Ok(payload) = serde_json::from_str::<Json>(payload) else {
        return;
    };
    if params["name"].as_str() == Some(shared.preparation.engine_channel.as_str())
        && let (Some(session), Some(context)) = (session, params["executionContextId"].as_i64())
    {
        // The visit may be over already.
        drop(shared.engine.send(EngineMessage {
            session: session.to_owned(),
            context,
            payload,
        }));
    }
}
