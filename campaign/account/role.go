package account

import (
	"fmt"
	"slices"
	"strings"
)

// Permission is a kind of thing that people do. A set of them is their sum.
type Permission uint8

// The permissions.
const (
	See      Permission = 1 << iota // pages, reports, contacts
	Write                           // campaigns: compose, preview, send a test of one's own
	Lists                           // import, undo, export, suppress
	Send                            // start, schedule, pause, resume, cancel
	Manage                          // users, webhooks and the audit log
	Messages                        // messages to one person each, which programs ask for
)

var permissionNames = []string{"see", "write", "lists", "send", "manage", "messages"}

// Names lists the permissions of a set.
func (p Permission) Names() []string {
	var names []string
	for i, name := range permissionNames {
		if p&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

func (p Permission) String() string { return strings.Join(p.Names(), " ") }

// ParsePermissions reads names as Names lists them.
func ParsePermissions(names []string) (Permission, error) {
	var p Permission
	for _, name := range names {
		i := slices.Index(permissionNames, name)
		if i < 0 {
			return 0, fmt.Errorf("scope %q is not known: use %s", name, strings.Join(permissionNames, ", "))
		}
		p |= 1 << i
	}
	return p, nil
}

// Role is what a user is trusted with. The names are stored.
type Role string

// The roles, each with all that the one before may do.
const (
	Viewer Role = "viewer"
	Author Role = "author"
	Editor Role = "editor"
	Admin  Role = "admin"
)

// Roles lists the roles, the most powerful first.
func Roles() []Role { return []Role{Admin, Editor, Author, Viewer} }

// May is what the role allows; nothing for a role that is not known.
func (r Role) May() Permission {
	switch r {
	case Viewer:
		return See
	case Author:
		return See | Write
	case Editor:
		return See | Write | Lists | Send | Messages
	case Admin:
		return See | Write | Lists | Send | Manage | Messages
	}
	return 0
}

// Means tells a person what the role is for.
func (r Role) Means() string {
	switch r {
	case Viewer:
		return "looks at everything, changes nothing"
	case Author:
		return "writes campaigns and sends tests, but does not send to lists"
	case Editor:
		return "imports lists, writes campaigns and sends them"
	case Admin:
		return "does all of it, and looks after the users"
	}
	return ""
}
