package openid

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config is what the provider and we have agreed on.
type Config struct {
	Issuer       string // as the provider names itself, https://
	ClientID     string
	ClientSecret string
	Redirect     string   // the address that the provider leads back to, registered there
	Scopes       []string // beside openid, email and profile
	GroupsClaim  string   // where the person's groups are; dots lead into objects
	// TrustEmail takes addresses for confirmed when the provider says nothing about it.
	TrustEmail bool
	Transport  http.RoundTripper // nil: the usual one
	Now        func() time.Time
}

// Errors that say what went wrong in general; what they wrap is for the log.
var (
	// ErrDown: the provider did not answer, or in a way that only its operator can mend.
	ErrDown = errors.New("the provider cannot be reached")
	// ErrDenied: the provider sent the person back without having signed them in.
	ErrDenied = errors.New("the provider did not sign the person in")
	// ErrDoubtful: what the provider, or somebody in its name, said does not hold.
	ErrDoubtful = errors.New("the provider's answer could not be verified")
)

// Provider is an OpenID provider. Make it with New; it is safe for concurrent use.
type Provider struct {
	Config
	client *http.Client

	mu    sync.Mutex
	known *description // nil until the provider has been reached
	again time.Time    // until then the description, or the failure, holds
	err   error        // of the last try
}

// description is what the provider says of itself (OpenID Connect Discovery §3).
type description struct {
	oauth    oauth2.Config
	provider *oidc.Provider
	verifier *oidc.IDTokenVerifier
	meta     metadata
}

type metadata struct {
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	EndSession    string   `json:"end_session_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

const (
	describedFor = 24 * time.Hour   // then the description is fetched anew
	failedFor    = 10 * time.Second // so long a provider that is down is left alone
)

// New makes a provider. It is not asked for anything before somebody signs in.
func New(c Config) *Provider { return &Provider{Config: c, client: newClient(c.Transport)} }

// describe returns the provider's description, fetched at most so often, for all: that who
// asked first has gone away does not make the provider one that is down. Each request of
// the client ends by itself.
func (p *Provider) describe(ctx context.Context) (*description, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.Now()
	if now.Before(p.again) {
		if p.known == nil {
			return nil, p.err
		}
		return p.known, nil
	}
	d, err := p.fetch(context.WithoutCancel(ctx))
	if err != nil {
		p.err, p.again = err, now.Add(failedFor)
		if p.known == nil {
			return nil, err
		}
		return p.known, nil // the one of yesterday
	}
	p.known, p.again = d, now.Add(describedFor)
	return d, nil
}

func (p *Provider) fetch(ctx context.Context) (*description, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.Issuer)
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return nil, fmt.Errorf("%w: it calls itself %.200q, the configuration %q", ErrDown, mismatch.Discovered, p.Issuer)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: its description: %s", ErrDown, short(err))
	}
	d := &description{provider: provider}
	if err := provider.Claims(&d.meta); err != nil {
		return nil, fmt.Errorf("%w: its description: %s", ErrDown, short(err))
	}
	for _, endpoint := range []string{d.meta.Authorization, d.meta.Token, d.meta.Keys} {
		if !Safe(endpoint) {
			return nil, fmt.Errorf("%w: its description names the address %.200q; it must be https://", ErrDown, endpoint)
		}
	}
	if d.meta.UserInfo != "" && !Safe(d.meta.UserInfo) {
		return nil, fmt.Errorf("%w: its description names the address %.200q; it must be https://", ErrDown, d.meta.UserInfo)
	}
	d.verifier = provider.Verifier(&oidc.Config{ClientID: p.ClientID, Now: p.Now})
	d.oauth = oauth2.Config{
		ClientID: p.ClientID, ClientSecret: p.ClientSecret, RedirectURL: p.Redirect, Endpoint: provider.Endpoint(),
		Scopes: append([]string{oidc.ScopeOpenID, oidc.ScopeEmail, oidc.ScopeProfile}, p.Scopes...),
	}
	// Nothing said means client_secret_basic. Trying one after the other, as the library
	// would, uses the code up.
	d.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if m := d.meta.AuthMethods; slices.Contains(m, "client_secret_post") && !slices.Contains(m, "client_secret_basic") {
		d.oauth.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return d, nil
}

// Leave is where people end their session at the provider too; "" when it has told no
// such place, or has not been reached yet.
func (p *Provider) Leave() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || !Safe(p.known.meta.EndSession) {
		return ""
	}
	u, err := url.Parse(p.known.meta.EndSession)
	if err != nil {
		return ""
	}
	query := u.Query()
	query.Set("client_id", p.ClientID)
	u.RawQuery = query.Encode()
	return u.String()
}

// Safe reports whether an address may be trusted with secrets: it is https, or on this
// very host.
func Safe(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	switch u.Hostname() {
	case "localhost", "127.0.0.1", "::1":
		return u.Scheme == "http" || u.Scheme == "https"
	}
	return u.Scheme == "https"
}
