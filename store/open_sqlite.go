package store

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jmoiron/sqlx"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Every connection: a reader never waits for the writer (WAL), and writers of
// several processes wait for each other.
//
// synchronous NORMAL loses nothing when a process is killed. A power cut may take
// the last transactions, whole and from the end: the ledger then stands at an older
// checkpoint, and the recorder applies the events after it again.
var sqliteConn = url.Values{"_pragma": {
	"busy_timeout(60000)",
	"journal_mode(WAL)",
	"synchronous(NORMAL)",
	"foreign_keys(1)",
}}

var sqliteWriter = url.Values{
	"_txlock": {"immediate"},
	"_pragma": {
		"cache_size(-65536)",
		"wal_autocheckpoint(8000)",
		"journal_size_limit(67108864)", // an import's long log is cut after it
	},
}

var sqliteReader = url.Values{"_pragma": {"query_only(1)", "cache_size(-8192)"}}

const sqliteReaders = 4

func openSQLite(path string, opt Options) (*DB, error) {
	path = strings.TrimPrefix(path, "sqlite:")
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	write, err := sqlitePool(path, sqliteWriter)
	if err != nil {
		return nil, err
	}
	read, err := sqlitePool(path, sqliteReader)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	write.SetMaxOpenConns(1)
	readers := opt.Conns
	if readers == 0 {
		readers = sqliteReaders
	}
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return &DB{read: read, write: write}, nil
}

func sqlitePool(path string, extra url.Values) (*sqlx.DB, error) {
	v := url.Values{}
	for _, from := range []url.Values{sqliteConn, extra} {
		for key, values := range from {
			v[key] = append(v[key], values...)
		}
	}
	dsn := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: v.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	return sqlx.NewDb(pool, "sqlite3"), nil // sqlx's name for question marks
}

// busy reports that another process kept SQLite's write lock for the whole
// busy_timeout, as a long import does.
func busy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
