// Package elastic takes events from senders that speak to Elasticsearch: their
// handshake, and _bulk. Start at Door.ServeHTTP.
//
// What a request means is decided here, what an event means by ingest.Decoder. It
// keeps no indices: their names become tags, and nothing is searched through it.
//
// An event with an _id is taken once, however its sender cuts its retries
// (TestWhatIsSentAgainIsTakenOnce; through kills: TestBulkIdsSurviveAKill in e2e). What
// senders look for in an answer is there to the byte
// (TestTheAnswerIsToTheByteWhatSendersLookFor).
package elastic
