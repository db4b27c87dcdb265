package api

import "strconv"

// Paging is how a page of a long answer is asked for.
type Paging struct {
	After string `query:"after" maxLength:"400" doc:"The next of the page before; without it the first page is read."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"How many at most."`
}

// key reads After as a number, 0 for the first page.
func (p Paging) key() (int64, error) {
	if p.After == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(p.After, 10, 64)
	if err != nil || n < 1 {
		return 0, invalid("query.after", "is not the next of a page")
	}
	return n, nil
}

// Page is a part of a long answer.
type Page[T any] struct {
	Items []T    `json:"items" nullable:"false"`
	Next  string `json:"next,omitempty" doc:"Pass it as after to read on; it is missing on the last page."`
}

// pageOf makes a page of what was read with a limit; next names the last of it.
func pageOf[R, T any](rows []R, limit int, show func(R) T, next func(R) string) Page[T] {
	p := Page[T]{Items: make([]T, len(rows))}
	for i, r := range rows {
		p.Items[i] = show(r)
	}
	if len(rows) >= limit {
		p.Next = next(rows[len(rows)-1])
	}
	return p
}

// all makes a page of everything there is.
func all[R, T any](rows []R, show func(R) T) Page[T] {
	return pageOf(rows, len(rows)+1, show, nil)
}

func number[N ~int64](n N) string { return strconv.FormatInt(int64(n), 10) }
