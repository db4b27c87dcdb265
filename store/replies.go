package store

import (
	"context"
	"net/netip"
	"strings"
	"sync"
)

// repliesKept bounds the dictionary: replies that come when it is full are kept with
// their attempt only.
const repliesKept = 50_000

// replyCache is the dictionary of replies, read when it is first needed. Only
// recorders add to it, one at a time.
type replyCache struct {
	mu   sync.Mutex // held by Apply from beginning to end
	ids  map[string]int32
	last int32
}

// replyIDs are the dictionary's entries in a transaction.
type replyIDs struct {
	cache *replyCache
	fresh map[string]int32
}

// id finds or makes the number of a reply's general form.
func (r *replyIDs) id(reply string) int32 {
	if reply == "" {
		return 0
	}
	general := generalReply(storable(reply))
	if id, ok := r.cache.ids[general]; ok {
		return id
	}
	if id, ok := r.fresh[general]; ok {
		return id
	}
	next := r.cache.last + int32(len(r.fresh)) + 1
	if next > repliesKept {
		return 0
	}
	r.fresh[general] = next
	return next
}

// openReplies begins to use the dictionary in a transaction that holds the
// checkpoint's row lock. Another process may have added to it since.
func (db *DB) openReplies(ctx context.Context, t *tx) (replyIDs, error) {
	cache := &db.replies
	if cache.ids == nil {
		cache.ids = make(map[string]int32)
	}
	rows, err := t.QueryContext(ctx, t.Rebind("SELECT id, text FROM replies WHERE id > ? ORDER BY id"), cache.last)
	if err != nil {
		return replyIDs{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&cache.last, &text); err != nil {
			return replyIDs{}, err
		}
		cache.ids[text] = cache.last
	}
	return replyIDs{cache: cache, fresh: make(map[string]int32)}, rows.Err()
}

// write stores the new entries. The cache learns them when they are committed: by
// the next openReplies.
func (r *replyIDs) write(ctx context.Context, t *tx) error {
	texts := make([]string, 0, len(r.fresh))
	for text := range r.fresh {
		texts = append(texts, text)
	}
	_, err := t.insertRows(ctx, "INSERT INTO replies (id, text)", 2, "", len(texts), func(args []any, i int) []any {
		return append(args, r.fresh[texts[i]], texts[i])
	})
	return err
}

// generalReply puts a star for each word that differs from one recipient or session
// to the next (an address, a queue id, a time), so that equal troubles are equal.
func generalReply(reply string) string {
	words := strings.Fields(reply)
	for i, w := range words {
		if volatile(w) {
			words[i] = "*"
		}
	}
	return strings.Join(words, " ")
}

// volatile: an address, or a word with digits that is too long for a code. Our own
// IP addresses are few, and say whom the trouble is with.
func volatile(word string) bool {
	if strings.Contains(word, "@") {
		return true
	}
	core := strings.Trim(word, "<>()[]{}\"'.,;:")
	if _, err := netip.ParseAddr(core); err == nil {
		return false
	}
	digits := 0
	for _, c := range core {
		if c >= '0' && c <= '9' {
			digits++
		}
	}
	return digits >= 8 || digits >= 2 && len(core) >= 12
}
