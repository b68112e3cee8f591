// Package geoip says where an address is on the network and on the earth, from
// databases in the MaxMind DB format (https://maxmind.github.io/MaxMind-DB/).
//
// Start at Open. Records come in MaxMind's nested layout (city.names.en,
// location.latitude) and in flat ones, such as those of DB-IP (city,
// country_code, latitude); record.go has the names. What several databases know
// of an address is put together, and its location comes from one database.
//
// It does not know events: the intake asks it, and puts the answer where it
// belongs.
//
// The intake asks while it makes an event's attributes, so that what is stored is what
// rules saw. Replacing a file, in whatever way, shows readers one database or the other:
// TestFilesAreReplacedUnderReaders.
package geoip
