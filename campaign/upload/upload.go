package upload

import (
	"time"

	"broadside/campaign"
	"broadside/campaign/listfile"
)

// Phase is how far an upload is. The names are stored.
type Phase string

// The phases: received → checking → checked → importing → imported → undone. A step that
// fails leads back to received, with the reason in Upload.Problem.
const (
	Received  Phase = "received"
	Checking  Phase = "checking"
	Checked   Phase = "checked"
	Importing Phase = "importing"
	Imported  Phase = "imported"
)

// Busy reports that a step is under way.
func (p Phase) Busy() bool { return p == Checking || p == Importing }

// Plan is what a person decided about a file.
type Plan struct {
	List     string           `json:"list"` // made when it is new
	Mapping  campaign.Mapping `json:"mapping,omitempty"`
	LeaveOut []int            `json:"leave_out,omitempty"` // columns by number from 0
}

// Upload is a file on its way into a list.
type Upload struct {
	ID      string                 `json:"id"`
	File    string                 `json:"file"` // its name at the person's place
	Size    int64                  `json:"size"`
	By      string                 `json:"by"`
	At      time.Time              `json:"at"`
	Phase   Phase                  `json:"phase"`
	Plan    Plan                   `json:"plan"`
	Began   time.Time              `json:"began,omitzero"`    // the step under way, or the last one
	Problem string                 `json:"problem,omitempty"` // why the last step failed
	Report  *campaign.ImportReport `json:"report,omitempty"`  // of the last step that did not fail
}

// Look is what the first rows of an upload say.
type Look struct {
	Format  listfile.Format         `json:"format"`
	Columns []campaign.ImportColumn `json:"columns"`
	Problem string                  `json:"problem,omitempty"` // what is wrong with the mapping
}

// Progress is how far the step under way is.
type Progress struct {
	Phase Phase `json:"phase"`
	Rows  int64 `json:"rows"`
	Bytes int64 `json:"bytes"`
	Size  int64 `json:"size"`
}
