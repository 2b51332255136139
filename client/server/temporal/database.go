package main

import (
	"errors"
	"io/fs"
	"os"

	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/headers"
	sqliteplugin "go.temporal.io/server/common/persistence/sql/sqlplugin/sqlite"
	"go.temporal.io/server/schema/sqlite"
)

// databaseName contains the version, because versions of the server cannot open each other's files. It is
// relative to the state folder, so that no character of the folder's path means anything to SQLite.
const databaseName = "temporal-" + headers.ServerVersion + ".db"

// openDatabase creates what is missing: the tables, and the namespaces `default` and, if not empty, the
// given one.
func openDatabase(namespace string) (*config.SQL, error) {
	_, err := os.Stat(databaseName)
	if errors.Is(err, fs.ErrNotExist) {
		err = createDatabase()
	}
	if err != nil {
		return nil, err
	}
	// 1.6 times the throughput of the default journal; the database stays consistent after a power failure.
	store := newStore(databaseName, map[string]string{"journal_mode": "wal", "synchronous": "1"})
	for _, name := range []string{"default", namespace} {
		if name == "" {
			continue
		}
		created, err := sqlite.NewNamespaceConfig(clusterName, name, false, nil)
		if err != nil {
			return nil, err
		}
		if err := sqlite.CreateNamespaces(store, created); err != nil {
			return nil, err
		}
	}
	return store, nil
}

// createDatabase creates the tables in a temporary file: a process killed meanwhile must not leave a
// database with some of them. That file has no journal after a commit, so that it can be renamed.
func createDatabase() error {
	fresh := databaseName + ".new"
	if err := errors.Join(os.RemoveAll(fresh), os.RemoveAll(fresh+"-journal")); err != nil {
		return err
	}
	if err := sqlite.SetupSchema(newStore(fresh, map[string]string{"journal_mode": "delete"})); err != nil {
		return err
	}
	return os.Rename(fresh, databaseName)
}

func newStore(name string, pragmas map[string]string) *config.SQL {
	attributes := map[string]string{"mode": "rwc"}
	for pragma, value := range pragmas {
		attributes[pragma] = value
	}
	return &config.SQL{PluginName: sqliteplugin.PluginName, DatabaseName: name, ConnectAttributes: attributes}
}
