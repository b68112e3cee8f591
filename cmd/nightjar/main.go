// Command nightjar is the whole program: the engine (`nightjar up`) and the
// tools that talk to it.
package main

import (
	"os"

	"nightjar/cmd/nightjar/cli"
)

// version is set by the linker.
var version = "dev"

func main() { os.Exit(cli.Main(version)) }
