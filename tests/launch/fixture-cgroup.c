/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fixture-cgroup.h"

#include <unistd.h>

#include "fixture.h"

bool
fixture_cgroup_make(const char *parent, SvirtUuid *uuid, SvirtCgroup *cgroup)
{
    SvirtLaunchFailure failure = { 0 };
    SvirtCgroupLimits limits;
    char mount[256];

    if (!fixture_need_root()) {
        return false;
    }
    if (!svirt_cgroup_find_mount(-1, mount, sizeof(mount))) {
        g_test_skip("no cgroup2 is mounted");
        return false;
    }
    svirt_uuid_generate(uuid);
    svirt_cgroup_limits_for_guest(256 << 20, 1, &limits);
    if (!svirt_cgroup_create(parent, uuid, &limits, cgroup, &failure)) {
        g_error("%s: %s", failure.words, g_strerror(failure.errnum));
    }
    return true;
}

void
fixture_cgroup_end(const SvirtUuid *uuid, SvirtCgroup *cgroup)
{
    g_autofree char *parent = g_path_get_dirname(cgroup->path);

    g_assert_true(svirt_cgroup_remove(cgroup->parent_fd, uuid, 5000));
    g_assert_false(g_file_test(cgroup->path, G_FILE_TEST_EXISTS));
    svirt_cgroup_close(cgroup);
    (void)rmdir(parent); /* another test may be in it */
}

