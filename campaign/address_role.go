package campaign

import "strings"

// roleKind says whether an address belongs to a function rather than to a person.
type roleKind uint8

const (
	rolePerson roleKind = iota
	// roleShared mailboxes (info@, sales@) are read by several people, who didn't all
	// agree to the mail: imported and reported.
	roleShared
	// roleRefused mailboxes never subscribed to anything: they are machines, or the
	// desks where complaints are filed. Mail to them costs reputation at once.
	roleRefused
)

// roles are local parts in lower case (RFC 2142 and what companies use).
var roles = map[string]roleKind{
	"abuse": roleRefused, "postmaster": roleRefused, "mailer-daemon": roleRefused, "noreply": roleRefused,
	"no-reply": roleRefused, "no_reply": roleRefused, "no.reply": roleRefused, "donotreply": roleRefused,
	"do-not-reply": roleRefused, "do_not_reply": roleRefused, "do.not.reply": roleRefused, "nobody": roleRefused,

	"admin": roleShared, "administrator": roleShared, "all": roleShared, "billing": roleShared, "booking": roleShared,
	"buchhaltung": roleShared, "careers": roleShared, "compliance": roleShared, "contact": roleShared,
	"contacto": roleShared, "customerservice": roleShared, "datenschutz": roleShared, "enquiries": roleShared,
	"everyone": roleShared, "feedback": roleShared, "finance": roleShared, "ftp": roleShared, "hello": roleShared,
	"help": roleShared, "helpdesk": roleShared, "hostmaster": roleShared, "hr": roleShared, "info": roleShared,
	"information": roleShared, "inquiries": roleShared, "jobs": roleShared, "kontakt": roleShared,
	"legal": roleShared, "list": roleShared, "mail": roleShared, "marketing": roleShared, "media": roleShared,
	"news": roleShared, "newsletter": roleShared, "noc": roleShared, "office": roleShared, "orders": roleShared,
	"press": roleShared, "presse": roleShared, "privacy": roleShared, "reception": roleShared, "root": roleShared,
	"rechnung": roleShared, "sales": roleShared, "security": roleShared, "service": roleShared, "shop": roleShared,
	"spam": roleShared, "staff": roleShared, "subscribe": roleShared, "support": roleShared, "team": roleShared,
	"unsubscribe": roleShared, "usenet": roleShared, "uucp": roleShared, "vertrieb": roleShared, "verwaltung": roleShared,
	"webmaster": roleShared, "www": roleShared,
}

// longestRole bounds what has to be looked up.
const longestRole = len("customerservice")

// roleOf tells what a normalised address's local part says about it. A tag
// ("info+shop@") doesn't change it.
func roleOf(email []byte) roleKind {
	var lower [longestRole]byte
	for i, c := range email {
		switch {
		case c == '@' || c == '+':
			return roles[string(lower[:i])]
		case i == longestRole:
			return rolePerson
		case c >= 'A' && c <= 'Z':
			c += 'a' - 'A'
		}
		lower[i] = c
	}
	return rolePerson
}

// domainOf is what follows the last at sign.
func domainOf(email string) string { return email[strings.LastIndexByte(email, '@')+1:] }
