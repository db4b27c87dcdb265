package web

import (
	"net/http"

	"broadside/campaign/account"
)

// routes is everything that is answered, with what it needs and what the audit log
// calls it.
func (a *App) routes() {
	a.mux.Handle("/u/", a.withClient(a.Recipients))
	if a.Readers != nil {
		a.mux.HandleFunc("GET /o/{token}", func(w http.ResponseWriter, r *http.Request) { a.Readers.Opened(w, r, a.client(r)) })
		a.mux.HandleFunc("GET /c/{token}", func(w http.ResponseWriter, r *http.Request) { a.Readers.Clicked(w, r, a.client(r)) })
	}
	joining := a.withClient(Joining(a.SignUps, a.Log))
	a.mux.Handle("/join/", joining)
	a.mux.Handle("/confirm/", joining)
	a.mux.Handle("GET /healthz", a.Recipients)
	a.mux.HandleFunc("GET /assets/{name}", serveAsset)
	a.mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, assetURL("mark.svg"), http.StatusFound)
	})

	a.mountAPI()

	a.public("GET /setup", "", showSetup)
	a.public("POST /setup", "set up", setUp)
	a.public("GET /login", "", showLogin)
	a.public("POST /login", "sign in", signIn)
	a.public("POST /logout", "sign out", signOut)
	a.public("GET /welcome", "", showWelcome)
	a.public("POST /welcome", "choose password", welcome)

	a.page("GET /{$}", account.See, "", home)
	a.page("/", account.See, "", func(v *visit) error {
		return v.refuse(http.StatusNotFound, "Not found", "There is no such page.")
	})

	a.page("GET /campaigns", account.See, "", showCampaigns)
	a.page("GET /campaigns/new", account.Write, "", showNewCampaign)
	a.page("POST /campaigns", account.Write, "create campaign", createCampaign)
	a.page("GET /campaigns/{id}", account.See, "", showCampaign)
	a.page("POST /campaigns/{id}/draft", account.Write, "edit campaign", saveDraft)
	a.page("POST /campaigns/{id}/files", account.Write, "add file", addFile)
	a.page("POST /campaigns/{id}/files/{name}/remove", account.Write, "remove file", removeFile)
	a.page("POST /campaigns/{id}/clone", account.Write, "clone campaign", cloneCampaign)
	a.page("POST /campaigns/{id}/archive", account.Write, "archive campaign", archiveCampaign)
	a.page("POST /campaigns/{id}/restore", account.Write, "restore campaign", restoreCampaign)
	a.page("POST /campaigns/{id}/follow-up", account.Write, "follow up campaign", followUp)
	a.page("GET /campaigns/{id}/preview", account.See, "", showPreview)
	a.page("GET /campaigns/{id}/inbox", account.See, "", showInbox)
	a.page("POST /campaigns/{id}/test", account.Write, "send test", sendTest)
	a.page("GET /campaigns/{id}/review", account.See, "", showReview)
	a.page("GET /campaigns/{id}/audience", account.See, "", audienceEvents)
	a.page("POST /campaigns/{id}/start", account.Send, "start campaign", startCampaign)

	a.page("GET /runs/{id}", account.See, "", showRun)
	a.page("GET /runs/{id}/events", account.See, "", runEvents)
	a.page("GET /runs/{id}/replies", account.See, "", showReplies)
	a.page("GET /runs/{id}/people", account.See, "", showPeople)
	a.page("POST /runs/{id}/pause", account.Send, "pause run", pauseRun)
	a.page("POST /runs/{id}/resume", account.Send, "resume run", resumeRun)
	a.page("POST /runs/{id}/cancel", account.Send, "cancel run", cancelRun)
	a.page("POST /runs/{id}/undo", account.Send, "undo start", undoRun)
	a.page("POST /runs/{id}/weight", account.Send, "weigh run", weighRun)
	a.page("POST /runs/{id}/export", account.Lists, "export run", exportRun)

	a.page("GET /sites", account.See, "", showSites)
	a.page("POST /sites/pause", account.Send, "pause site", pauseSite)
	a.page("POST /sites/limit", account.Send, "limit site", limitSite)
	a.page("POST /sites/resume", account.Send, "resume site", resumeSite)

	a.page("GET /lists", account.See, "", showLists)
	a.page("GET /lists/{id}", account.See, "", showList)
	a.page("POST /lists/{id}/presentation", account.Lists, "present list", presentList)
	a.page("POST /lists/{id}/export", account.Lists, "export list", exportList)
	a.page("POST /lists/{id}/tracking", account.Lists, "set list tracking", setListTracking)
	a.page("POST /lists/{id}/delete", account.Lists, "delete list", deleteList)
	a.page("POST /lists/{id}/imports/{import}/undo", account.Lists, "undo import", undoImport)
	a.page("GET /lists/{id}/forms/new", account.Lists, "", showNewForm)
	a.page("POST /lists/{id}/forms", account.Lists, "create form", createForm)
	a.page("GET /forms/{id}", account.See, "", showForm)
	a.page("POST /forms/{id}", account.Lists, "edit form", editForm)
	a.page("POST /forms/{id}/close", account.Lists, "close form", closeForm)
	a.page("POST /uploads", account.Lists, "upload file", receiveUpload)
	a.page("GET /uploads/{id}", account.Lists, "", showUpload)
	a.page("GET /uploads/{id}/events", account.Lists, "", uploadEvents)
	a.page("GET /uploads/{id}/rejects.csv", account.Lists, "", showRejects)
	a.page("POST /uploads/{id}/check", account.Lists, "check file", checkUpload)
	a.page("POST /uploads/{id}/import", account.Lists, "import file", importUpload)
	a.page("POST /uploads/{id}/discard", account.Lists, "discard file", discardUpload)

	a.page("GET /library", account.See, "", showLibrary)
	a.page("GET /library/{key}", account.See, "", showStarter)
	a.page("GET /library/{key}/preview", account.See, "", previewStarter)
	a.page("POST /library/{key}", account.Write, "edit template", changeStarter)
	a.page("POST /library/{key}/delete", account.Write, "delete template", deleteStarter)
	a.page("POST /campaigns/{id}/library", account.Write, "create template", saveAsStarter)

	a.page("GET /segments", account.See, "", showSegments)
	a.page("GET /segments/new", account.Write, "", showNewSegment)
	a.page("GET /segments/look", account.See, "", lookSegment)
	a.page("GET /segments/glance", account.See, "", glanceSegment)
	a.page("GET /segments/{id}", account.See, "", showSegment)
	a.page("POST /segments", account.Write, "create segment", createSegment)
	a.page("POST /segments/{id}", account.Write, "edit segment", changeSegment)
	a.page("POST /segments/{id}/delete", account.Write, "delete segment", deleteSegment)

	a.page("GET /contacts", account.See, "", showContacts)
	a.page("GET /contacts/{id}", account.See, "", showContact)
	a.page("POST /contacts/{id}", account.Lists, "edit contact", editContact)
	a.page("POST /contacts/{id}/join", account.Lists, "add member", joinList)
	a.page("POST /contacts/{id}/suppress", account.Lists, "suppress contact", suppressContact)
	a.page("POST /contacts/{id}/unsubscribe", account.Lists, "unsubscribe contact", unsubscribeContact)
	a.page("POST /contacts/{id}/export", account.Lists, "export contact", exportContact)
	a.page("POST /contacts/{id}/erase", account.Lists, "erase contact", eraseContact)
	a.page("GET /suppressions", account.See, "", showSuppressions)
	a.page("POST /suppressions", account.Lists, "suppress address", suppressAddress)
	a.page("POST /suppressions/remove", account.Lists, "unsuppress address", unsuppressAddress)

	a.page("GET /api/docs", account.See, "", showDocs)
	a.page("GET /account", account.See, "", showAccount)
	a.page("POST /account/password", account.See, "change password", changePassword)
	a.page("POST /account/zone", account.See, "change time zone", changeZone)
	a.page("POST /account/tokens", account.See, "create token", createToken)
	a.page("POST /account/tokens/{id}/revoke", account.See, "revoke token", revokeToken)

	a.page("GET /users", account.Manage, "", showUsers)
	a.page("POST /users", account.Manage, "invite user", inviteUser)
	a.page("POST /users/{id}", account.Manage, "change user", changeUser)
	a.page("POST /users/{id}/invite", account.Manage, "invite user again", inviteAgain)
	a.page("GET /audit", account.Manage, "", showAudit)
}
