/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/schema.h"

#include "state/statement.h"

/*
 * XML lives in a table of its own, so that listing a thousand definitions
 * reads a few pages. Claims name no definition: `svirt exec` has none.
 */
static const char *const statements[] = {
    "CREATE TABLE definitions("
    "  incarnation INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),"
    "  name TEXT NOT NULL UNIQUE,"
    "  author INTEGER NOT NULL,"
    "  created_s INTEGER NOT NULL,"
    "  changed_s INTEGER NOT NULL,"
    "  tainted TEXT) STRICT",

    "CREATE TABLE definition_xml("
    "  incarnation INTEGER PRIMARY KEY"
    "    REFERENCES definitions ON DELETE CASCADE,"
    "  xml TEXT NOT NULL) STRICT",

    /* categories: the sorted members as big-endian 16-bit numbers. */
    "CREATE TABLE claims("
    "  id INTEGER PRIMARY KEY,"
    "  uuid BLOB NOT NULL CHECK(length(uuid) = 16),"
    "  incarnation INTEGER NOT NULL,"
    "  author INTEGER NOT NULL,"
    "  model TEXT NOT NULL,"
    "  type TEXT NOT NULL,"
    "  label TEXT NOT NULL,"
    "  shared INTEGER NOT NULL,"
    "  set_size INTEGER,"
    "  categories BLOB,"
    "  uid_first INTEGER,"
    "  uid_count INTEGER NOT NULL,"
    "  UNIQUE(uuid, model)) STRICT",
    "CREATE INDEX claims_label ON claims(model, label)",
    "CREATE INDEX claims_set ON claims(model, type, set_size, categories)"
    "  WHERE set_size IS NOT NULL",
    "CREATE INDEX claims_uid ON claims(uid_first) WHERE uid_count > 0",

    "CREATE TABLE cursors("
    "  name TEXT PRIMARY KEY,"
    "  value INTEGER NOT NULL) STRICT, WITHOUT ROWID",

    /* ino, device and rdev only find candidates; identity decides. */
    "CREATE TABLE remembered("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  ino INTEGER NOT NULL,"
    "  device TEXT NOT NULL,"
    "  rdev INTEGER NOT NULL,"
    "  identity TEXT NOT NULL,"
    "  shown_path TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  original TEXT) STRICT",
    "CREATE INDEX remembered_ino ON remembered(ino)",
    "CREATE INDEX remembered_device ON remembered(device)"
    "  WHERE device <> ''",
    "CREATE INDEX remembered_rdev ON remembered(rdev) WHERE rdev <> 0",
    /* No AUTOINCREMENT: it would write for a value that is there already. */
    "CREATE TABLE remembered_values("
    "  id INTEGER PRIMARY KEY,"
    "  remembered INTEGER NOT NULL REFERENCES remembered"
    "    ON DELETE CASCADE,"
    "  value TEXT NOT NULL,"
    "  UNIQUE(remembered, value)) STRICT",
    "CREATE TABLE object_claims("
    "  remembered INTEGER NOT NULL REFERENCES remembered,"
    "  uuid BLOB NOT NULL CHECK(length(uuid) = 16),"
    "  incarnation INTEGER NOT NULL,"
    "  author INTEGER NOT NULL,"
    "  PRIMARY KEY(remembered, uuid)) STRICT, WITHOUT ROWID",
    "CREATE INDEX object_claims_uuid ON object_claims(uuid)",

    "CREATE TABLE journals("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid BLOB NOT NULL UNIQUE CHECK(length(uuid) = 16),"
    "  incarnation INTEGER NOT NULL,"
    "  author INTEGER NOT NULL,"
    "  verb TEXT NOT NULL,"
    "  pid INTEGER NOT NULL,"
    "  start_ticks INTEGER NOT NULL,"
    "  boot_id TEXT NOT NULL,"
    "  created_s INTEGER NOT NULL) STRICT",
    "CREATE TABLE journal_steps("
    "  journal INTEGER NOT NULL REFERENCES journals ON DELETE CASCADE,"
    "  position INTEGER NOT NULL,"
    "  action TEXT NOT NULL,"
    "  model TEXT NOT NULL,"
    "  object INTEGER NOT NULL,"
    "  identity TEXT,"
    "  shown_path TEXT,"
    "  before TEXT,"
    "  after TEXT,"
    "  state TEXT NOT NULL,"
    "  PRIMARY KEY(journal, position)) STRICT, WITHOUT ROWID",

    "CREATE TABLE chains("
    "  uuid BLOB NOT NULL REFERENCES definitions(uuid) ON DELETE CASCADE,"
    "  target TEXT NOT NULL,"
    "  json TEXT NOT NULL,"
    "  PRIMARY KEY(uuid, target)) STRICT",

    "CREATE TABLE waivers("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  uuid BLOB NOT NULL REFERENCES definitions(uuid) ON DELETE CASCADE,"
    "  layer TEXT NOT NULL,"
    "  resource TEXT NOT NULL,"
    "  reason TEXT NOT NULL,"
    "  author INTEGER NOT NULL,"
    "  created_s INTEGER NOT NULL,"
    "  expires_s INTEGER NOT NULL,"
    "  UNIQUE(uuid, layer, resource)) STRICT",
};

bool
svirt_schema_create(SvirtState *state, GError **error)
{
    for (unsigned i = 0; i < G_N_ELEMENTS(statements); i++) {
        if (!svirt_statement_run(state, statements[i], NULL, error)) {
            return false;
        }
    }
    return true;
}
