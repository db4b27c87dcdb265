package bounce

import (
	"strings"

	"broadside/campaign"
	"broadside/campaign/token"
)

// target is whom an address of ours names.
type target struct {
	run     campaign.RunID
	contact campaign.ContactID
}

// The prefixes of local parts that name a recipient, as package delivery makes them:
// "b-" of return paths (VERP), "c-" of CFBL-Address.
var prefixes = map[string]token.Purpose{"b-": token.Bounce, "c-": token.Complaint}

// target reads a local part, perhaps after the name of a mailbox and a plus sign; false
// when it is not ours, or was changed.
func (r *Receiver) target(local string) (target, bool) {
	local = strings.ToLower(local)
	local = local[strings.LastIndexByte(local, '+')+1:]
	if len(local) < 2 {
		return target{}, false
	}
	purpose, ok := prefixes[local[:2]]
	if !ok {
		return target{}, false
	}
	run, contact, err := r.Tokens.Read(purpose, local[2:])
	if err != nil {
		return target{}, false
	}
	return target{campaign.RunID(run), campaign.ContactID(contact)}, true
}
