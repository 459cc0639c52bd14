/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"
#include "hypervisor/qemu-private.h"

json_t *
svirt_qemu_device(const char *driver, const char *id, unsigned boot_order)
{
    json_t *device = json_pack("{s:s,s:s}", "driver", driver, "id", id);

    if (boot_order != 0) {
        json_object_set_new(device, "bootindex", json_integer(boot_order));
    }
    return device;
}

bool
svirt_qemu_add_pci(SvirtQemuBuilder *builder, json_t *device,
                   const SvirtDeviceInfo *info, const char *what,
                   GError **error)
{
    if (!svirt_qemu_place_pci(builder, device, info, what, error)) {
        json_decref(device);
        return false;
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

bool
svirt_qemu_add_usb(SvirtQemuBuilder *builder, json_t *device,
                   const SvirtDeviceInfo *info, const char *what,
                   GError **error)
{
    if (!svirt_qemu_place_usb(builder, device, info, what, error)) {
        json_decref(device);
        return false;
    }
    svirt_qemu_add_json(builder, "-device", device);
    return true;
}

static bool
add_input(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    static const char *const usb[] = { "usb-tablet", "usb-mouse", "usb-kbd" };
    static const char *const virtio[] = { "virtio-tablet-pci",
                                          "virtio-mouse-pci",
                                          "virtio-keyboard-pci" };
    const SvirtInput *input = &builder->input->domain->inputs[index];
    g_autofree char *id = g_strdup_printf("input%zu", index);
    json_t *device;

    switch (svirt_hardware_input_bus(input)) {
    case SVIRT_INPUT_BUS_VIRTIO:
        device = svirt_qemu_device(virtio[input->type], id, 0);
        return svirt_qemu_add_pci(builder, device, &input->info, "an input",
                                  error);
    case SVIRT_INPUT_BUS_USB:
        device = svirt_qemu_device(usb[input->type], id, 0);
        return svirt_qemu_add_usb(builder, device, &input->info, "an input",
                                  error);
    case SVIRT_INPUT_BUS_PS2:
        return true; /* every PC has these two */
    case SVIRT_INPUT_BUS_UNSET:
    case SVIRT_INPUT_BUS_MAX:
        break;
    }
    g_assert_not_reached();
}

static const char *
video_driver(const SvirtVideo *video, bool primary)
{
    switch (video->model) {
    case SVIRT_VIDEO_VGA:
        return primary ? "VGA" : "secondary-vga";
    case SVIRT_VIDEO_CIRRUS:
        return "cirrus-vga";
    case SVIRT_VIDEO_BOCHS:
        return "bochs-display";
    case SVIRT_VIDEO_VIRTIO:
        return primary ? "virtio-vga" : "virtio-gpu-pci";
    case SVIRT_VIDEO_QXL:
        return primary ? "qxl-vga" : "qxl";
    case SVIRT_VIDEO_VMVGA:
        return "vmware-svga";
    case SVIRT_VIDEO_RAMFB:
        return "ramfb";
    case SVIRT_VIDEO_NONE:
    case SVIRT_VIDEO_MODEL_MAX:
        break;
    }
    return NULL;
}

/* The display the firmware uses: the one that says so, else the first. */
static size_t
primary_video(const SvirtDomain *domain)
{
    for (size_t i = 0; i < domain->video_count; i++) {
        if (domain->videos[i].primary) {
            return i;
        }
    }
    return 0;
}

static void
set_size(json_t *device, const char *property, uint32_t size)
{
    if (size != 0) {
        json_object_set_new(device, property, json_integer(size));
    }
}

static void
set_video_sizes(const SvirtVideo *video, json_t *device)
{
    if (video->model == SVIRT_VIDEO_VGA) {
        set_size(device, "vgamem_mb", video->vram_kib / 1024);
    } else if (video->model == SVIRT_VIDEO_QXL) {
        set_size(device, "ram_size_mb", video->ram_kib / 1024);
        set_size(device, "vram_size_mb", video->vram_kib / 1024);
        set_size(device, "vgamem_mb", video->vgamem_kib / 1024);
    }
    if (video->model == SVIRT_VIDEO_VIRTIO || video->model == SVIRT_VIDEO_QXL) {
        set_size(device, "max_outputs", video->heads);
    }
}

static bool
add_video(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtVideo *video = &builder->input->domain->videos[index];
    bool primary = index == primary_video(builder->input->domain);
    const char *driver = video_driver(video, primary);
    g_autofree char *id = g_strdup_printf("video%zu", index);
    json_t *device;

    if (driver == NULL) {
        return true;
    }
    device = svirt_qemu_device(driver, id, 0);
    set_video_sizes(video, device);
    if (video->model == SVIRT_VIDEO_RAMFB) {
        svirt_qemu_add_json(builder, "-device", device);
        return true;
    }
    return svirt_qemu_add_pci(builder, device, &video->info, "a video device",
                              error);
}

static bool
add_rng(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtRng *rng = &builder->input->domain->rngs[index];
    g_autofree char *id = g_strdup_printf("rng%zu", index);
    g_autofree char *source = g_strdup_printf("rngsource%zu", index);
    json_t *device = svirt_qemu_device("virtio-rng-pci", id, 0);

    if (rng->backend == SVIRT_RNG_BUILTIN) {
        svirt_qemu_addf(builder, "-object", "rng-builtin,id=%s", source);
    } else {
        svirt_qemu_addf(builder, "-object", "rng-random,id=%s,filename=%s",
                        source, rng->path);
    }
    json_object_set_new(device, "rng", json_string(source));
    if (rng->rate_bytes != 0) {
        json_object_set_new(device, "max-bytes", json_integer(rng->rate_bytes));
        json_object_set_new(device, "period",
                            json_integer(rng->rate_period_ms));
    }
    return svirt_qemu_add_pci(builder, device, &rng->info, "an rng", error);
}

bool
svirt_qemu_has_balloon(const SvirtDomain *domain)
{
    return domain->balloon.model == SVIRT_BALLOON_VIRTIO;
}

uint64_t
svirt_qemu_balloon_bytes(const SvirtDomain *domain)
{
    return svirt_qemu_has_balloon(domain) &&
                   domain->current_memory_bytes < domain->memory_bytes
               ? domain->current_memory_bytes
               : 0;
}

static bool
add_balloon(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtBalloon *balloon = &builder->input->domain->balloon;
    json_t *device;

    if (!svirt_qemu_has_balloon(builder->input->domain)) {
        return true;
    }
    device = svirt_qemu_device("virtio-balloon-pci", "balloon0", 0);
    if (balloon->auto_deflate) {
        json_object_set_new(device, "deflate-on-oom", json_true());
    }
    if (balloon->stats_period_s != 0) {
        json_object_set_new(device, "guest-stats-polling-interval",
                            json_integer(balloon->stats_period_s));
    }
    if (balloon->free_page_reporting) {
        json_object_set_new(device, "free-page-reporting", json_true());
    }
    return svirt_qemu_add_pci(builder, device, &balloon->info, "the balloon",
                              error);
}

static bool
add_panic(SvirtQemuBuilder *builder, size_t index, GError **error)
{
    const SvirtPanic *panic = &builder->input->domain->panics[index];
    g_autofree char *id = g_strdup_printf("panic%zu", index);

    switch (panic->model) {
    case SVIRT_PANIC_UNSET:
    case SVIRT_PANIC_ISA:
        svirt_qemu_add_json(builder, "-device",
                            svirt_qemu_device("pvpanic", id, 0));
        return true;
    case SVIRT_PANIC_PVPANIC:
        return svirt_qemu_add_pci(builder,
                                  svirt_qemu_device("pvpanic-pci", id, 0),
                                  &panic->info, "a panic device", error);
    case SVIRT_PANIC_HYPERV:
        return true; /* a CPU feature, set with -cpu */
    case SVIRT_PANIC_MODEL_MAX:
        break;
    }
    g_assert_not_reached();
}

static bool
add_vsock(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtVsock *vsock = &builder->input->domain->vsock;
    const SvirtQemuVsock *given = &builder->input->vsock;
    json_t *device;

    if (vsock->info.line == 0) {
        return true;
    }
    device = svirt_qemu_device("vhost-vsock-pci", "vsock0", 0);
    json_object_set_new(device, "guest-cid", json_integer(given->cid));
    json_object_set_new(device, "vhostfd", json_sprintf("%d", given->fd));
    return svirt_qemu_add_pci(builder, device, &vsock->info, "a vsock", error);
}

#define ADD_EACH(count, add)                                                   \
    for (size_t i = 0; i < (count); i++) {                                     \
        if (!add(builder, i, error)) {                                         \
            return false;                                                      \
        }                                                                      \
    }

bool
svirt_qemu_add_small_devices(SvirtQemuBuilder *builder, GError **error)
{
    const SvirtDomain *domain = builder->input->domain;

    ADD_EACH(domain->interface_count, svirt_qemu_add_interface);
    ADD_EACH(domain->input_count, add_input);
    ADD_EACH(domain->video_count, add_video);
    ADD_EACH(domain->rng_count, add_rng);
    ADD_EACH(domain->panic_count, add_panic);
    return add_balloon(builder, error) && add_vsock(builder, error);
}
