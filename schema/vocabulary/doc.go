// Package vocabulary knows the names that others have for what nightjar's standard
// attributes hold: the Elastic Common Schema's and those of the Open Cybersecurity
// Schema Framework (1.3.0).
//
// One table, attributes.csv, is all there is of names: queries that are asked in
// another vocabulary, and events that are shown in one, read the same lines. Of each
// vocabulary a name stands for one attribute, and an attribute has one name
// (TestEveryNameStandsForOneAttribute). What OCSF calls otherwise in some of its
// classes is in classes.go. Nothing here is applied unless somebody asks for it.
//
// A document of OCSF has what its class requires
// (TestOCSFEventsHaveWhatTheirClassRequires). Start at Vocabulary.Lookup and Document.
package vocabulary
