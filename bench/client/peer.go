// The same work through digitalocean/go-libvirt: peer.go MODE SOCKET COUNT, one line of JSON.
package main

import (
	"encoding/json"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/digitalocean/go-libvirt"
	"github.com/digitalocean/go-libvirt/socket/dialers"
)

func cpu() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func main() {
	mode, socket := os.Args[1], os.Args[2]
	count, err := strconv.Atoi(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	l := libvirt.NewWithDialer(dialers.NewLocal(dialers.WithSocket(socket)))
	uri := libvirt.QEMUSystem
	if mode == "sequential" {
		uri = libvirt.ConnectURI("test:///default")
	}
	if err := l.ConnectToURI(uri); err != nil {
		log.Fatal(err)
	}
	domains, _, err := l.ConnectListAllDomains(1, 0)
	if err != nil {
		log.Fatal(err)
	}
	work := func() {
		if mode == "sequential" {
			_, _, err = l.DomainGetState(domains[0], 0)
		} else {
			_, err = l.ConnectGetAllDomainStats(nil, 0, 0)
		}
		if err != nil {
			log.Fatal(err)
		}
	}
	for i := 0; i < count; i++ {
		work()
	}
	began, used := time.Now(), cpu()
	for i := 0; i < count; i++ {
		work()
	}
	json.NewEncoder(os.Stdout).Encode(map[string]float64{
		"perSecond": float64(count) / time.Since(began).Seconds(),
		"cpuMsEach": (cpu() - used).Seconds() * 1000 / float64(count),
	})
}
