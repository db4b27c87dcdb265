// Package openidtest is an OpenID provider for tests, on the loopback interface. It checks
// what a client sends as a strict provider does, and answers as it is told to, also
// wrongly. It shares no code with what it tests: tokens are signed by the standard
// library alone. Everything is in memory.
package openidtest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// The client that the provider knows.
const (
	ClientID     = "broadside"
	ClientSecret = "a secret with = and & and ü"
)

// Provider is a running provider. Its fields are changed between requests.
type Provider struct {
	*httptest.Server
	// Redirect is the only address that it leads back to.
	Redirect string
	// Person is who is signed in there: claims of the ID token.
	Person map[string]any
	// Info is what UserInfo tells beside the subject.
	Info map[string]any
	// Tamper may change a token before it is signed: its header and its claims.
	Tamper func(header, claims map[string]any)
	// Unsigned leaves the signature out, Forged makes it with a key that nobody knows.
	Unsigned, Forged bool
	// Instead answers a path in place of the provider.
	Instead map[string]http.HandlerFunc
	// Describe may change the description.
	Describe func(map[string]any)

	mu     sync.Mutex
	grants map[string]grant
	codes  int
	asked  map[string]int
	keys   struct {
		es, unknown *ecdsa.PrivateKey
		rs          *rsa.PrivateKey
	}
}

// grant is what a code stands for.
type grant struct{ challenge, redirect, nonce string }

// New starts a provider with TLS; Close stops it.
func New() (*Provider, error) {
	p := &Provider{grants: map[string]grant{}, asked: map[string]int{}, Instead: map[string]http.HandlerFunc{}}
	p.Person = map[string]any{"sub": "248289761001", "email": "Ann@Example.org", "email_verified": true, "name": "Ann Harbour"}
	var err error
	if p.keys.es, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if p.keys.unknown, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	if p.keys.rs, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		return nil, err
	}
	p.Server = httptest.NewTLSServer(p)
	return p, nil
}

// ServeHTTP answers as the provider.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[r.URL.Path]++
	if h := p.Instead[r.URL.Path]; h != nil {
		h(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		p.describe(w)
	case "/authorize":
		p.authorize(w, r)
	case "/token":
		p.token(w, r)
	case "/keys":
		p.publish(w)
	case "/userinfo":
		p.tell(w, r)
	default:
		http.NotFound(w, r)
	}
}

// Asked is how often a path was asked for.
func (p *Provider) Asked(path string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[path]
}

func (p *Provider) describe(w http.ResponseWriter) {
	d := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token",
		"jwks_uri": p.URL + "/keys", "userinfo_endpoint": p.URL + "/userinfo", "end_session_endpoint": p.URL + "/leave",
		"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "none"}, "response_types_supported": []string{"code"},
	}
	if p.Describe != nil {
		p.Describe(d)
	}
	answer(w, http.StatusOK, d)
}

// authorize signs the person in without a question, and leads back with a code.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	scopes := strings.Fields(q.Get("scope"))
	switch {
	case q.Get("client_id") != ClientID || q.Get("redirect_uri") != p.Redirect:
		http.Error(w, "this client or this address to lead back to is not known", http.StatusBadRequest)
		return
	case q.Get("response_type") != "code" || !slices.Contains(scopes, "openid") || !slices.Contains(scopes, "email"):
		http.Error(w, "ask for a code, with the scopes openid and email", http.StatusBadRequest)
		return
	case len(q.Get("state")) < 20 || len(q.Get("nonce")) < 20 || len(q.Get("code_challenge")) != 43 || q.Get("code_challenge_method") != "S256":
		http.Error(w, "state, nonce and an S256 challenge are required", http.StatusBadRequest)
		return
	}
	p.codes++
	code := "code-" + base64.RawURLEncoding.EncodeToString([]byte{byte(p.codes >> 8), byte(p.codes)})
	p.grants[code] = grant{q.Get("code_challenge"), q.Get("redirect_uri"), q.Get("nonce")}
	back := url.Values{"code": {code}, "state": {q.Get("state")}}
	http.Redirect(w, r, p.Redirect+"?"+back.Encode(), http.StatusFound)
}

// token changes a code into tokens, once.
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth() // of encoded values (RFC 6749 §2.3.1)
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	if !ok || errID != nil || errSecret != nil || id != ClientID || secret != ClientSecret {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	g, ok := p.grants[r.PostFormValue("code")]
	delete(p.grants, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
		return
	}
	const access = "an-access-token"
	half := sha256.Sum256([]byte(access))
	now := time.Now().Unix()
	header := map[string]any{"alg": "ES256", "kid": "es", "typ": "JWT"}
	claims := map[string]any{
		"iss": p.URL, "aud": ClientID, "iat": now, "exp": now + 300, "nonce": g.nonce,
		"at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
	}
	maps.Copy(claims, p.Person)
	if p.Tamper != nil {
		p.Tamper(header, claims)
	}
	answer(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": p.sign(header, claims)})
}

// sign makes a compact JWS (RFC 7515 §7.1) by the header's algorithm.
func (p *Provider) sign(header, claims map[string]any) string {
	h, _ := json.Marshal(header)
	c, _ := json.Marshal(claims)
	text := base64.RawURLEncoding.EncodeToString(h) + "." + base64.RawURLEncoding.EncodeToString(c)
	digest := sha256.Sum256([]byte(text))
	var signature []byte
	switch key := p.keys.es; {
	case p.Unsigned:
	case header["alg"] == "RS256":
		signature, _ = rsa.SignPKCS1v15(rand.Reader, p.keys.rs, crypto.SHA256, digest[:])
	default:
		if p.Forged {
			key = p.keys.unknown
		}
		r, s, _ := ecdsa.Sign(rand.Reader, key, digest[:])
		signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func (p *Provider) publish(w http.ResponseWriter) {
	number := func(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
	point, _ := p.keys.es.PublicKey.Bytes()
	answer(w, http.StatusOK, map[string]any{"keys": []any{
		map[string]any{"kty": "EC", "crv": "P-256", "use": "sig", "kid": "es", "alg": "ES256", "x": number(point[1:33]), "y": number(point[33:])},
		map[string]any{"kty": "RSA", "use": "sig", "kid": "rs", "alg": "RS256", "n": number(p.keys.rs.N.Bytes()), "e": "AQAB"},
	}})
}

func (p *Provider) tell(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer an-access-token" {
		answer(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	info := map[string]any{"sub": p.Person["sub"]}
	maps.Copy(info, p.Info)
	answer(w, http.StatusOK, info)
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}
