package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"broadside/campaign"
	"broadside/campaign/account"
	"broadside/campaign/signup"
	"broadside/campaign/upload"
	"broadside/campaign/webhook"
)

// Prefix is where the API is served.
const Prefix = "/api/v1"

// Store is what the API reads and changes beside what campaign.Service does.
type Store interface {
	campaign.Store
	ListByID(ctx context.Context, id campaign.ListID) (campaign.List, error)             // ErrNotFound
	CampaignByID(ctx context.Context, id campaign.CampaignID) (campaign.Campaign, error) // ErrNotFound
	// PresentList sets what its members see of a list.
	PresentList(ctx context.Context, id campaign.ListID, p campaign.Presentation) (campaign.List, error) // ErrNotFound
	// DeleteList deletes a list, and with contacts those that are in no other.
	DeleteList(ctx context.Context, id campaign.ListID, contacts bool) (campaign.ListDeletion, error) // ErrNotFound, ErrConflict
	ContactByID(ctx context.Context, id campaign.ContactID) (campaign.Contact, error)                 // ErrNotFound
	// RecordConsent keeps the record of a consent, with which the subscription ends.
	RecordConsent(ctx context.Context, c campaign.Consent) error
	// SearchContacts pages through contacts by the beginning of their address, in order
	// of address; after "" starts.
	SearchContacts(ctx context.Context, prefix, after string, limit int) ([]campaign.Contact, error)
	// SearchSuppressions does so for what is suppressed; a page may be longer than limit.
	SearchSuppressions(ctx context.Context, prefix, after string, limit int) ([]campaign.Suppression, error)
	// SuppressionsOf returns all that keeps mail from an address, on any list.
	SuppressionsOf(ctx context.Context, email string) ([]campaign.Suppression, error)
	// UnsuppressOn is Unsuppress for one list; 0 is whatever the list.
	UnsuppressOn(ctx context.Context, list campaign.ListID, who string) error // ErrNotFound
	MembershipsOf(ctx context.Context, c campaign.ContactID) ([]campaign.Membership, error)
	// ConsentsOf returns the records of a contact's consents, oldest first.
	ConsentsOf(ctx context.Context, c campaign.ContactID) ([]campaign.Consent, error)
	// Everybody is Recipients for all states.
	Everybody(ctx context.Context, id campaign.RunID, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error)
	// RecipientsBecause is Recipients for one reason alone.
	RecipientsBecause(ctx context.Context, id campaign.RunID, s campaign.State, because campaign.Reason, after campaign.Recipient, limit int) ([]campaign.RecipientRow, error)
}

// Config is what the API works on.
type Config struct {
	Service  *campaign.Service
	Store    Store
	Uploads  *upload.Desk
	Accounts *account.Accounts
	Sites    Sites
	SignUps  *signup.Desk
	Webhooks *webhook.Desk
	// SignedIn returns who asks in a browser, by the session; the zero User for nobody.
	SignedIn func(r *http.Request) (account.User, error)
	// Client is the address that a request came from.
	Client func(r *http.Request) netip.Addr
	// SendTest sends one message now and waits for the server's word; nil where nothing
	// can be sent. The error is about our own machinery.
	SendTest func(ctx context.Context, spec campaign.Spec, as campaign.Contact, to string) (accepted bool, result string, err error)
	// UndoTime passes between a start and the first message.
	UndoTime time.Duration
	// Moved is told of a run that was paused, resumed or cancelled.
	Moved func(campaign.RunID)
	Log   *slog.Logger
	Now   func() time.Time
}

// API answers everything below Prefix. Make it with New.
type API struct {
	Config
	huma       huma.API
	mux        *http.ServeMux
	operations []Operation
	messages   messagePace
}

// New makes the API and its document.
func New(c Config) *API {
	a := &API{Config: c, mux: http.NewServeMux()}
	a.huma = humago.NewWithPrefix(a.mux, Prefix, document())
	a.addLists()
	a.addForms()
	a.addUploads()
	a.addContacts()
	a.addSuppressions()
	a.addSegments()
	a.addLibrary()
	a.addCampaigns()
	a.addRuns()
	a.addComparison()
	a.addMessages()
	a.addSites()
	a.addWebhooks()
	a.addTokens()
	a.addUsers()
	a.serveDocument()
	return a
}

// document is what the OpenAPI document says beside the operations.
func document() huma.Config {
	c := huma.DefaultConfig("Broadside", "1")
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	format := huma.Format{Marshal: huma.DefaultJSONFormat.Marshal, Unmarshal: readJSON}
	c.Formats = map[string]huma.Format{"application/json": format, "json": format} // and all that ends in +json
	c.RejectUnknownQueryParameters = true
	c.Info.Description = "Lists, campaigns, their runs and reports. Pages are read with `after`: pass the `next` of the page before. " +
		"Errors are problem details (RFC 9457) whose `errors` name the fields concerned."
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		tokenScheme:   {Type: "http", Scheme: "bearer", Description: "A token from the page of your account. It may do what its scopes and its user's role allow."},
		sessionScheme: {Type: "apiKey", In: "cookie", Name: "broadside", Description: "The session of a signed-in browser; the cookie is called __Host-broadside where the connection is encrypted."},
	}
	for _, t := range tags {
		c.Tags = append(c.Tags, &huma.Tag{Name: t.name, Description: t.means})
	}
	return c
}

// The sections of the document, in their order.
var tags = []struct{ name, means string }{
	{"lists", "Named sets of contacts, and the record of what was imported into them."},
	{"forms", "How people join a list by themselves: a form asks, a mail asks for confirmation."},
	{"uploads", "A file on its way into a list: upload, check (a dry run), import."},
	{"contacts", "People, what is known about them, and all that was sent to them."},
	{"suppressions", "Addresses that get no mail, whatever the list."},
	{"segments", "Those of a list's people for whom an expression holds, under a name."},
	{"library", "Texts for campaigns to begin with."},
	{"campaigns", "What is sent: write, preview, test, review, start."},
	{"runs", "One execution of a campaign, and what became of each recipient."},
	{"messages", "Mail to one person each, made from a template: an order, a password, a sign-in."},
	{"sites", "The operators of mailboxes, and what their replies have taught."},
	{"webhooks", "Other systems that are told over HTTP what becomes of recipients and runs."},
	{"account", "Who asks, and the tokens of programs."},
	{"users", "Who may use Broadside, and the log of who did what."},
}

// serveDocument makes the document once, and serves it to everybody: it has no data.
func (a *API) serveDocument() {
	text, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		panic(err) // it is made of our types alone
	}
	yaml, err := a.huma.OpenAPI().YAML()
	if err != nil {
		panic(err)
	}
	for path, file := range map[string]struct {
		kind string
		text []byte
	}{
		"/openapi.json": {"application/openapi+json", text},
		"/openapi.yaml": {"application/openapi+yaml", yaml},
	} {
		a.mux.HandleFunc("GET "+Prefix+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", file.kind)
			_, _ = w.Write(file.text)
		})
	}
}

// OpenAPI is the document, which must not be changed.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }
