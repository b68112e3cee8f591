package migrations

// State numbers the schema that this program has: that of the newest file in
// testdata/states.
const State = 12
