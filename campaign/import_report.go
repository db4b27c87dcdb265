package campaign

import (
	"encoding/csv"
	"io"
	"strconv"
	"unicode/utf8"

	"broadside/campaign/listfile"
)

// ImportReport says what an import did, or in a dry run would do. Every row of the
// file is counted once: Rows is the sum of the six counts of the store and Invalid.
type ImportReport struct {
	File    string          `json:"file"`
	Format  listfile.Format `json:"format"`
	Mapping Mapping         `json:"mapping"` // field → column, the attributes included
	DryRun  bool            `json:"dry_run"`
	Rows    int64           `json:"rows"` // without header and blank ones

	ImportCounts
	Invalid int64 `json:"invalid"`

	// Remarks on rows that are imported as given.
	Role     int64 `json:"role"`     // addresses of functions, as info@
	Typo     int64 `json:"typo"`     // domains that look like a slip of the fingers
	Ragged   int64 `json:"ragged"`   // rows with too few or too many cells
	Repaired int64 `json:"repaired"` // lone quotation marks, rows in another charset

	// Findings lists the first rows of each kind: "invalid", "duplicate",
	// "suppressed", "unsubscribed", "role", "typo", "ragged", "repaired".
	Findings map[string][]ImportFinding `json:"findings"`
	// Import is the import's id, by which it can be undone; 0 in a dry run.
	Import ImportID `json:"import,omitempty"`
}

// ImportFinding is a row that a person should know of.
type ImportFinding struct {
	Row    int64  `json:"row"` // as listfile.Record.Row
	Value  string `json:"value"`
	Reason string `json:"reason"`
}

// importFindings collects what the report and the rejects file say. It belongs to
// one goroutine at a time: to the one that reads, then to the one that finishes.
type importFindings struct {
	most    int
	first   map[string][]ImportFinding
	count   map[string]int64
	rejects *csv.Writer // nil when nobody wants them
}

func newImportFindings(most int, rejects io.Writer) *importFindings {
	if most == 0 {
		most = 100
	}
	f := &importFindings{most: most, first: make(map[string][]ImportFinding), count: make(map[string]int64)}
	if rejects != nil {
		f.rejects = csv.NewWriter(rejects)
		_ = f.rejects.Write([]string{"row", "value", "reason"}) // buffered: flush tells
	}
	return f
}

// longestValue bounds what is quoted of a value that is no address.
const longestValue = 200

// rejected kinds get no mail by this row; the others are remarks.
var rejected = words(`invalid duplicate suppressed unsubscribed`)

func (f *importFindings) add(kind string, row int64, value []byte, reason string) error {
	f.count[kind]++
	reject := f.rejects != nil && rejected[kind]
	list := len(f.first[kind]) < f.most
	if !list && !reject {
		return nil
	}
	if len(value) > longestValue {
		n := longestValue
		for n > 0 && !utf8.RuneStart(value[n]) {
			n--
		}
		value = append(value[:n:n], "…"...)
	}
	if list {
		f.first[kind] = append(f.first[kind], ImportFinding{Row: row, Value: string(value), Reason: reason})
	}
	if !reject {
		return nil
	}
	return f.rejects.Write([]string{strconv.FormatInt(row, 10), neutral(string(value)), reason})
}

// stored takes the store's decision on a row.
func (f *importFindings) stored(row int64, email string, effect ImportEffect) error {
	switch effect {
	case EffectDuplicate:
		return f.add("duplicate", row, []byte(email), "the same address comes earlier in the file")
	case EffectSuppressed:
		return f.add("suppressed", row, []byte(email), "on the suppression list: stored, never mailed")
	case EffectErased:
		return f.add("suppressed", row, []byte(email), "the person asked to be erased: not stored")
	case EffectUnsubscribed:
		return f.add("unsubscribed", row, []byte(email), "left this list before, and stays so")
	}
	return nil
}

func (f *importFindings) flush() error {
	if f.rejects == nil {
		return nil
	}
	f.rejects.Flush()
	return f.rejects.Error()
}
