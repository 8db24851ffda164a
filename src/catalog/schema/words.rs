//! The closed lists of words a catalog file may use.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An enum whose variants are words of the catalog's files.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
        )]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant),+
        }

        impl $name {
            /// The word as the files write it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }
    };
}

words! {
    /// What an entry describes.
    Kind {
        /// A service that websites embed.
        Service = "service",
        /// A consent platform.
        Cmp = "cmp",
        /// Software a site runs on.
        Platform = "platform",
    }
}

words! {
    /// Whether a service is still offered.
    ServiceStatus {
        /// It is.
        Active = "active",
        /// Under another name.
        Renamed = "renamed",
        /// It is not.
        Defunct = "defunct",
    }
}

words! {
    /// How well a fact is known.
    FactStatus {
        /// Its source says so.
        Documented = "documented",
        /// An own crawl saw it.
        Observed = "observed",
        /// Nobody has confirmed it yet.
        Unverified = "unverified",
        /// It was true once.
        Retired = "retired",
    }
}

words! {
    /// The risk a source ascribes to a service.
    Risk {
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
    }
}

words! {
    /// Whether a vendor keeps data in the EU.
    EuResidency {
        /// It does not.
        None = "none",
        /// The customer may choose it.
        Optional = "optional",
        /// By contract.
        Contractual = "contractual",
        /// On the dearest plan.
        EnterprisePlan = "enterprise-plan",
        /// Unless the customer chooses otherwise.
        Default = "default",
        /// Where the customer runs it.
        SelfHosted = "self-hosted",
    }
}

words! {
    /// What the Commission has decided about a country.
    Adequacy {
        /// Adequate.
        Full = "full",
        /// Adequate for companies certified under the EU-US Data Privacy Framework.
        Dpf = "dpf",
        /// No decision.
        None = "none",
    }
}

words! {
    /// A legal basis for processing.
    LegalBasis {
        /// GDPR 6(1)(a).
        Consent = "consent",
        /// GDPR 6(1)(b).
        Contract = "contract",
        /// GDPR 6(1)(f).
        LegitimateInterest = "legitimate-interest",
        /// GDPR 6(1)(c).
        LegalObligation = "legal-obligation",
        /// GDPR 6(1)(d).
        VitalInterest = "vital-interest",
        /// GDPR 6(1)(e).
        PublicTask = "public-task",
        /// One of the conditions of GDPR 9(2).
        ExplicitCondition = "explicit-condition",
        /// No personal data, no storage.
        NoneNeeded = "none-needed",
    }
}

words! {
    /// Whether an impact assessment (GDPR 35) is called for.
    DpiaLevel {
        /// It is not.
        NotNeeded = "not-needed",
        /// It depends.
        CaseByCase = "case-by-case",
        /// It is advised.
        Recommended = "recommended",
        /// It is advised with emphasis.
        StronglyRecommended = "strongly-recommended",
        /// It is mandatory.
        Required = "required",
    }
}

words! {
    /// What a request of a service does.
    RequestRole {
        /// The script that brings the tag.
        Loader = "loader",
        /// Takes hits and events.
        Collector = "collector",
        /// A pixel.
        Beacon = "beacon",
        /// Takes recordings of the visit.
        Replay = "replay",
        /// The service's own interface.
        Api = "api",
        /// The service's application or frame.
        App = "app",
        /// A chat's frame, messages or socket.
        Chat = "chat",
        /// A video, map or other thing shown in the page.
        Embed = "embed",
        /// A web font.
        Font = "font",
        /// An image, style sheet or library.
        Asset = "asset",
        /// Records the visitor's choice.
        ConsentRecord = "consent-record",
        /// The vendor's own website.
        VendorSite = "vendor-site",
        /// Reports on the service itself, errors or speed.
        Telemetry = "telemetry",
        /// Real-time bidding.
        Auction = "auction",
    }
}

words! {
    /// What a stored item does.
    ItemRole {
        /// Recognises a browser or a person.
        Identifier = "identifier",
        /// Ties together one visit.
        Session = "session",
        /// Keeps a person signed in.
        Auth = "auth",
        /// Guards the visitor or the site.
        Security = "security",
        /// How a part of the page is shown.
        UiState = "ui-state",
        /// What the visitor prefers.
        Preference = "preference",
        /// The visitor's choice.
        ConsentRecord = "consent-record",
        /// How the banner is shown.
        ConsentUi = "consent-ui",
        /// Counts or throttles.
        Measurement = "measurement",
        /// Selects or bills advertising.
        Advertising = "advertising",
        /// Carries an identifier across domains.
        Linker = "linker",
        /// Tries whether storing works.
        Test = "test",
        /// Picks a server.
        LoadBalancing = "load-balancing",
        /// Holds a basket.
        Cart = "cart",
        /// Something else.
        Other = "other",
    }
}

words! {
    /// What the value of a consent record is written in.
    Encoding {
        /// IAB TCF v2.
        TcfV2 = "tcf-v2",
        /// IAB GPP.
        Gpp = "gpp",
        /// IAB US Privacy.
        Usp = "usp",
        /// A list of groups and whether they are allowed.
        Groups = "groups",
        /// JSON.
        Json = "json",
        /// Something only the platform reads.
        Opaque = "opaque",
    }
}

words! {
    /// A framework a consent platform speaks.
    Framework {
        /// IAB TCF v2.
        TcfV2 = "tcf-v2",
        /// IAB GPP.
        Gpp = "gpp",
        /// IAB US Privacy.
        Usp = "usp",
        /// Google consent mode.
        GoogleConsentMode = "google-consent-mode",
        /// Its own only.
        None = "none",
    }
}

words! {
    /// Who a cookie belongs to, as its documentation says. A description, never a filter.
    DeclaredParty {
        /// The site.
        First = "first",
        /// Somebody else.
        Third = "third",
        /// Depends on the set-up.
        Either = "either",
    }
}

words! {
    /// What writes a cookie.
    SetBy {
        /// A script.
        Script = "script",
        /// A `Set-Cookie` header.
        Http = "http",
        /// Both happen.
        Either = "either",
    }
}

words! {
    /// A storage area of the browser.
    Area {
        /// `localStorage`.
        Local = "local",
        /// `sessionStorage`.
        Session = "session",
        /// `IndexedDB`.
        IndexedDb = "indexeddb",
        /// The Cache API.
        Cache = "cache",
    }
}

words! {
    /// Whose origin a storage entry lives in.
    StorageOrigin {
        /// The audited site's.
        Site = "site",
        /// The service's own frames.
        Service = "service",
    }
}

words! {
    /// Why an item may be stored without consent.
    ExemptionBasis {
        /// It records the visitor's choice.
        ConsentRecord = "consent-record",
        /// It keeps what the visitor typed or chose.
        UserInput = "user-input",
        /// It keeps a person signed in.
        Authentication = "authentication",
        /// It protects the visitor's session.
        Security = "security",
        /// It plays the media the visitor asked for.
        MediaPlayer = "media-player",
        /// It picks a server.
        LoadBalancing = "load-balancing",
        /// It keeps a setting the visitor made.
        UiCustomisation = "ui-customisation",
        /// It shares for members who are logged in.
        SocialShareLoggedIn = "social-share-logged-in",
        /// It carries the communication.
        Transmission = "transmission",
        /// It counts for the publisher alone.
        AudienceMeasurement = "audience-measurement",
        /// The service the visitor asked for cannot work without it.
        StrictlyNecessary = "strictly-necessary",
    }
}

words! {
    /// What kind of source a fact comes from.
    SourceKind {
        /// A page this project started from.
        Seed = "seed",
        /// The vendor's documentation.
        VendorDoc = "vendor-doc",
        /// Somebody's crawl.
        Crawl = "crawl",
        /// Our crawl.
        OwnCrawl = "own-crawl",
        /// A published data set.
        Dataset = "dataset",
        /// A blocking list.
        FilterList = "filter-list",
        /// A newspaper or agency.
        Press = "press",
        /// An authority.
        Regulator = "regulator",
        /// What a maintainer knows, to be confirmed.
        Knowledge = "knowledge",
    }
}
