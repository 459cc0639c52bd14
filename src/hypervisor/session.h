/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hypervisor/manager.h"

/*
 * For a connection of an ordinary user's: this process goes into a user
 * namespace in which it is root over the user's own files and over the uids
 * that /etc/subuid gives the user (by newuidmap(1)), so that everything else
 * is as in the system instance. All running VMs of a connection live in one:
 * where there is one, it is joined.
 *
 * Where no such uids are, one namespace with the user's uid alone; where the
 * kernel refuses namespaces, none: what that loses is said by dominfo, and
 * *ret_lost (static; NULL: nothing) is one phrase for who starts something.
 * Nothing is done for root. SYSTEM: a namespace that is there cannot be joined.
 */
bool svirt_session_enter(SvirtManager *manager, const char **ret_lost,
                         GError **error);
