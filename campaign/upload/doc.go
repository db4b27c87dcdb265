// Package upload brings list files from a browser into the store: a file is streamed
// to disk, looked at, tried in a dry run, and imported, each while nobody has to wait
// for it or keep a page open.
//
// The data lives in a directory of its own, one directory for each upload: "file" as it
// came, "rejects.csv" of the last run over it, and "state.json", which is written before
// and after each step. A Desk owns the directory; nobody else writes there. Files go
// when they are imported or discarded, or a week after they came.
package upload
