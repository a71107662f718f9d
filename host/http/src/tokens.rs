//! The API's tokens: the one that the server was started with, and those that were made since.
//!
//! A token that is made here is `ws_<id>_<secret>`: the id finds its record, the secret is 32
//! random bytes. What is kept of a secret is its SHA-256. All live tokens are in memory, so that
//! no request reads the store for its token.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use subtle::ConstantTimeEq;
use waystation_core::{Digest, Scope, Timestamp, Token, TokenId, TokenName};
use waystation_store::{DeleteError, Store, StoreError};

/// Tokens that there may be at the same time.
pub(crate) const TOKENS_MAX: usize = 1000;

/// How the name of the server's first token reads in the log.
const ROOT: &str = "root";

const PREFIX: &str = "ws_";

/// The token that the server was started with: it may do everything, and can't be revoked. Only
/// its digest is held, so that no dump and no log can show it.
#[derive(Clone, Copy)]
pub struct RootToken(Digest);

impl RootToken {
    /// The token with this text.
    pub fn new(token: &str) -> RootToken {
        RootToken(Digest::of(token.as_bytes()))
    }
}

impl fmt::Debug for RootToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootToken(…)")
    }
}

/// All tokens of a server.
#[derive(Clone)]
pub struct Tokens(Arc<Inner>);

struct Inner {
    root: RootToken,
    store: Arc<dyn Store>,
    live: RwLock<HashMap<TokenId, Arc<Live>>>,
    /// One token is made at a time, so that they are counted right.
    making: tokio::sync::Mutex<()>,
}

struct Live {
    token: Token,
    /// Milliseconds since the Unix epoch; 0 is never.
    last_used: AtomicU64,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// Who calls.
#[derive(Clone)]
pub(crate) struct Caller(Option<Arc<Live>>);

impl Caller {
    /// May it do what asks for `scope`?
    pub(crate) fn allows(&self, scope: Scope) -> bool {
        self.0.as_ref().is_none_or(|live| live.token.allows(scope))
    }

    /// What its token is called.
    pub(crate) fn name(&self) -> &str {
        self.0.as_ref().map_or(ROOT, |live| live.token.name.as_str())
    }

    /// Which token it is; none for the first one.
    pub(crate) fn id(&self) -> Option<TokenId> {
        self.0.as_ref().map(|live| live.token.id)
    }
}

/// A token as people see it.
#[derive(Serialize)]
pub(crate) struct TokenView {
    id: TokenId,
    name: TokenName,
    scopes: BTreeSet<Scope>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    /// Since the server's start.
    last_used_at: Option<Timestamp>,
}

impl TokenView {
    fn of(live: &Live) -> TokenView {
        let Token { id, name, scopes, created_at, expires_at, .. } = live.token.clone();
        let last_used = live.last_used.load(Ordering::Relaxed);
        let last_used_at = (last_used > 0).then(|| Timestamp::from_millis(last_used));
        TokenView { id, name, scopes, created_at, expires_at, last_used_at }
    }
}

/// A token that was just made: the one time that its text is there.
#[derive(Serialize)]
pub(crate) struct MadeToken {
    #[serde(flatten)]
    view: TokenView,
    token: String,
}

impl MadeToken {
    pub(crate) fn id(&self) -> TokenId {
        self.view.id
    }
}

/// Why no token was made.
#[derive(Debug)]
pub(crate) enum NotMade {
    /// There are [`TOKENS_MAX`] already.
    TooMany,
    /// The system has no randomness to give.
    NoRandomness(getrandom::Error),
    /// See there.
    Store(StoreError),
}

impl Tokens {
    /// The tokens that `store` holds, and `root`.
    ///
    /// # Errors
    ///
    /// The store can't be read.
    pub async fn load(root: RootToken, store: Arc<dyn Store>) -> Result<Tokens, StoreError> {
        let stored = store.tokens().await?;
        let live = stored.into_iter().map(|token| (token.id, Live::new(token))).collect();
        let (live, making) = (RwLock::new(live), tokio::sync::Mutex::default());
        Ok(Tokens(Arc::new(Inner { root, store, live, making })))
    }

    /// Whose token this is; nobody's when it has expired at `now`. That a token of ours
    /// is wrong takes the same time whether its id is somebody's or not.
    pub(crate) fn find(&self, text: &str, now: Timestamp) -> Option<Caller> {
        let (id, secret) = parse(text).map_or((None, text), |(id, secret)| (Some(id), secret));
        let live = id.and_then(|id| self.read().get(&id).cloned());
        // Nothing has this digest.
        let kept = live.as_ref().map_or([0; 32], |live| *live.token.secret.as_bytes());
        let is_live = kept.ct_eq(Digest::of(secret.as_bytes()).as_bytes());
        let is_root = self.0.root.0.as_bytes().ct_eq(Digest::of(text.as_bytes()).as_bytes());
        if bool::from(is_root) {
            return Some(Caller(None));
        }
        let live = live.filter(|live| bool::from(is_live) && !live.token.has_expired(now))?;
        live.last_used.store(now.as_millis(), Ordering::Relaxed);
        Some(Caller(Some(live)))
    }

    /// Makes one. It is on disk when this returns.
    pub(crate) async fn make(
        &self,
        name: TokenName,
        scopes: BTreeSet<Scope>,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<MadeToken, NotMade> {
        let _alone = self.0.making.lock().await;
        if self.read().len() >= TOKENS_MAX {
            return Err(NotMade::TooMany);
        }
        let (mut id, mut secret) = ([0; 8], [0; 32]);
        getrandom::fill(&mut id).map_err(NotMade::NoRandomness)?;
        getrandom::fill(&mut secret).map_err(NotMade::NoRandomness)?;
        let (id, secret) = (TokenId::from_bytes(id), URL_SAFE_NO_PAD.encode(secret));
        let text = format!("{PREFIX}{id}_{secret}");
        let secret = Digest::of(secret.as_bytes());
        let token = Token { id, name, scopes, secret, created_at: now, expires_at };
        self.0.store.put_token(token.clone()).await.map_err(NotMade::Store)?;
        let live = Live::new(token);
        let view = TokenView::of(&live);
        self.write().insert(id, live);
        Ok(MadeToken { view, token: text })
    }

    /// All that were made, by their age, expired ones too.
    pub(crate) fn list(&self) -> Vec<TokenView> {
        let mut views: Vec<TokenView> =
            self.read().values().map(|live| TokenView::of(live)).collect();
        views.sort_by_key(|view| (view.created_at, view.id));
        views
    }

    /// Takes one away. It is nobody's from now on, and on disk so when this returns without an
    /// error. Requests under way go on.
    pub(crate) async fn revoke(&self, id: TokenId) -> Result<(), DeleteError> {
        // First of all here: a caller who leaves meanwhile must not leave it valid.
        self.write().remove(&id);
        self.0.store.delete_token(id).await
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, HashMap<TokenId, Arc<Live>>> {
        self.0.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<TokenId, Arc<Live>>> {
        self.0.live.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Live {
    fn new(token: Token) -> Arc<Live> {
        Arc::new(Live { token, last_used: AtomicU64::new(0) })
    }
}

/// The id and the secret of a token that was made here.
fn parse(text: &str) -> Option<(TokenId, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    Some((id.parse().ok()?, secret))
}

#[cfg(test)]
mod tests {
    use waystation_store::MemoryStore;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    async fn tokens(store: &Arc<MemoryStore>) -> Tokens {
        let store = Arc::<MemoryStore>::clone(store);
        Tokens::load(RootToken::new("the-root-token"), store).await.unwrap()
    }

    async fn make(tokens: &Tokens, expires_at: Option<Timestamp>) -> MadeToken {
        let scopes = [Scope::Deploy].into();
        tokens.make("ci".parse().unwrap(), scopes, NOW, expires_at).await.unwrap()
    }

    #[tokio::test]
    async fn only_the_whole_token_is_somebodys() {
        let store = Arc::new(MemoryStore::new());
        let tokens = tokens(&store).await;
        let made = make(&tokens, None).await;
        let text = &made.token;
        assert_eq!(text.len(), 3 + 16 + 1 + 43);
        let caller = tokens.find(text, NOW).unwrap();
        assert_eq!((caller.name(), caller.id()), ("ci", Some(made.id())));
        assert!(caller.allows(Scope::Deploy) && !caller.allows(Scope::Operate));
        let other = make(&tokens, None).await;
        let swapped = format!("{}{}", &text[..20], &other.token[20..]);
        let cut = &text[..text.len() - 1];
        let id_alone = &text[..20];
        let secret_alone = &text[20..];
        for wrong in
            [swapped.as_str(), cut, id_alone, secret_alone, "", "ws_", "ws__", "the-root-toke"]
        {
            assert!(tokens.find(wrong, NOW).is_none(), "{wrong}");
        }
        let root = tokens.find("the-root-token", NOW).unwrap();
        assert!(root.allows(Scope::Admin) && root.id().is_none());
    }

    #[tokio::test]
    async fn what_is_stored_does_not_open_the_door() {
        let store = Arc::new(MemoryStore::new());
        let tokens = tokens(&store).await;
        let made = make(&tokens, None).await;
        let stored = serde_json::to_string(&store.tokens().await.unwrap()).unwrap();
        assert!(!stored.contains(&made.token[20..]), "{stored}");
        let secret = store.tokens().await.unwrap()[0].secret;
        let forged = format!("ws_{}_{}", made.id(), secret.hex());
        assert!(tokens.find(&forged, NOW).is_none());
        let listed = serde_json::to_string(&tokens.list()).unwrap();
        assert!(!listed.contains(&secret.hex()) && !listed.contains(&made.token), "{listed}");
    }

    #[tokio::test]
    async fn a_token_survives_a_restart_and_not_its_revocation_or_its_time() {
        let store = Arc::new(MemoryStore::new());
        let first = tokens(&store).await;
        let made = make(&first, Some(NOW.plus_millis(10))).await;
        let second = tokens(&store).await;
        assert!(second.find(&made.token, NOW.plus_millis(9)).is_some());
        assert!(second.find(&made.token, NOW.plus_millis(10)).is_none());
        second.revoke(made.id()).await.unwrap();
        assert!(second.find(&made.token, NOW).is_none());
        assert_eq!(second.revoke(made.id()).await, Err(DeleteError::NotFound));
        assert!(tokens(&store).await.find(&made.token, NOW).is_none());
    }

    #[tokio::test]
    async fn there_are_only_so_many() {
        let tokens = tokens(&Arc::new(MemoryStore::new())).await;
        for _ in 0..TOKENS_MAX {
            make(&tokens, None).await;
        }
        let one_more = tokens.make("ci".parse().unwrap(), [Scope::Read].into(), NOW, None).await;
        assert!(matches!(one_more, Err(NotMade::TooMany)));
        assert_eq!(tokens.list().len(), TOKENS_MAX);
    }
}
