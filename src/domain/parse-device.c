/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain/parse.h"

#include <limits.h>
#include <string.h>

static bool
model_fits(SvirtControllerType type, SvirtControllerModel model)
{
    if (model == SVIRT_CONTROLLER_MODEL_UNSET) {
        return type != SVIRT_CONTROLLER_PCI;
    }
    if (model <= SVIRT_CONTROLLER_MODEL_PCIE_SWITCH_DOWNSTREAM_PORT) {
        return type == SVIRT_CONTROLLER_PCI;
    }
    if (model <= SVIRT_CONTROLLER_MODEL_USB_NONE) {
        return type == SVIRT_CONTROLLER_USB;
    }
    if (model <= SVIRT_CONTROLLER_MODEL_LSILOGIC) {
        return type == SVIRT_CONTROLLER_SCSI;
    }
    if (model != SVIRT_CONTROLLER_MODEL_VIRTIO &&
        type == SVIRT_CONTROLLER_SCSI) {
        return true; /* virtio-transitional and its opposite */
    }
    return type == SVIRT_CONTROLLER_VIRTIO_SERIAL;
}

static void
parse_scsi_driver(SvirtReader *reader, SvirtXmlNode *node,
                  SvirtController *controller)
{
    SvirtXmlNode *driver = svirt_reader_child(reader, node, "driver");

    if (driver != NULL) {
        controller->iothread = (unsigned)svirt_reader_number(
            reader, driver, "iothread", 1, UINT32_MAX, 0);
    }
}

static int
read_optional(SvirtReader *reader, SvirtXmlNode *node, const char *name,
              int max)
{
    if (node == NULL || svirt_reader_attribute(reader, node, name) == NULL) {
        return -1;
    }
    return (int)svirt_reader_number(reader, node, name, 0, (uint64_t)max, 0);
}

static void
parse_pci_target(SvirtReader *reader, SvirtXmlNode *node,
                 SvirtController *controller)
{
    SvirtXmlNode *model = svirt_reader_child(reader, node, "model");
    SvirtXmlNode *target = svirt_reader_child(reader, node, "target");

    if (model != NULL) {
        controller->pci_device = svirt_reader_word(reader, model, "name");
    }
    controller->chassis = read_optional(reader, target, "chassis", 255);
    controller->port = read_optional(reader, target, "port", 255);
    controller->chassis_nr = read_optional(reader, target, "chassisNr", 255);
}

void
svirt_parse_controller(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                       SvirtController *controller)
{
    SvirtXmlNode *master = NULL;

    svirt_parse_info(reader, node, ordinal, &controller->info);
    (void)svirt_reader_required(reader, node, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "type", svirt_controller_type,
                    &controller->type);
    SVIRT_READ_ENUM(reader, node, "model", svirt_controller_model,
                    &controller->model);
    if (!model_fits(controller->type, controller->model)) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID, NULL,
                          "model='%s' does not fit a controller of type '%s'",
                          svirt_controller_model_to_string(controller->model),
                          svirt_controller_type_to_string(controller->type));
    }
    controller->index = read_optional(reader, node, "index", 0xffff);
    controller->vectors = -1;
    controller->chassis = -1;
    controller->port = -1;
    controller->chassis_nr = -1;
    if (controller->type == SVIRT_CONTROLLER_PCI) {
        parse_pci_target(reader, node, controller);
    }
    if (controller->type == SVIRT_CONTROLLER_SCSI) {
        parse_scsi_driver(reader, node, controller);
    }
    if (controller->type == SVIRT_CONTROLLER_USB) {
        controller->ports =
            (unsigned)svirt_reader_number(reader, node, "ports", 1, 15, 0);
        master = svirt_reader_child(reader, node, "master");
    }
    if (controller->type == SVIRT_CONTROLLER_VIRTIO_SERIAL) {
        controller->ports =
            (unsigned)svirt_reader_number(reader, node, "ports", 1, 511, 0);
        controller->vectors = read_optional(reader, node, "vectors", 0xffff);
    }
    controller->master_port = read_optional(reader, master, "startport", 15);
}

void
svirt_parse_input(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                  SvirtInput *input)
{
    svirt_parse_info(reader, node, ordinal, &input->info);
    (void)svirt_reader_required(reader, node, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, node, "type", svirt_input_type,
                    &input->type);
    SVIRT_READ_ENUM(reader, node, "bus", svirt_input_bus,
                    &input->bus);
    if (input->type == SVIRT_INPUT_TABLET &&
        input->bus == SVIRT_INPUT_BUS_PS2) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "use bus='usb'", "a tablet cannot be on the bus ps2");
    }
}

void
svirt_parse_video(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                  SvirtVideo *video)
{
    SvirtXmlNode *model = svirt_reader_child(reader, node, "model");

    svirt_parse_info(reader, node, ordinal, &video->info);
    if (model == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <model type='vga'/>", "<video> has no <model>");
        return;
    }
    (void)svirt_reader_required(reader, model, "type"); /* error is kept */
    SVIRT_READ_ENUM(reader, model, "type", svirt_video_model,
                    &video->model);
    video->primary = svirt_reader_yes_no(reader, model, "primary", false);
    video->heads =
        (unsigned)svirt_reader_number(reader, model, "heads", 1, 16, 0);
    video->ram_kib =
        (uint32_t)svirt_reader_number(reader, model, "ram", 0, 1u << 22, 0);
    video->vram_kib =
        (uint32_t)svirt_reader_number(reader, model, "vram", 0, 1u << 22, 0);
    video->vgamem_kib =
        (uint32_t)svirt_reader_number(reader, model, "vgamem", 0, 1u << 22, 0);
}

static void
parse_rng_backend(SvirtReader *reader, SvirtXmlNode *node, SvirtRng *rng)
{
    SvirtXmlNode *backend = svirt_reader_child(reader, node, "backend");

    if (backend == NULL) {
        svirt_reader_fail(reader, node->line, SVIRT_ERROR_INVALID,
                          "add <backend model='random'>/dev/urandom</backend>",
                          "<rng> has no <backend>");
        return;
    }
    rng->backend_line = backend->line;
    (void)svirt_reader_required(reader, backend, "model"); /* error is kept */
    SVIRT_READ_ENUM(reader, backend, "model", svirt_rng_backend,
                    &rng->backend);
    if (reader->error != NULL) {
        backend->unread = true;
        return;
    }
    if (rng->backend != SVIRT_RNG_RANDOM) {
        return;
    }
    rng->path = backend->text != NULL ? svirt_reader_text(reader, backend)
                                      : "/dev/random";
    if (strcmp(rng->path, "/dev/random") != 0 &&
        strcmp(rng->path, "/dev/urandom") != 0) {
        svirt_reader_fail(reader, backend->line, SVIRT_ERROR_REFUSED,
                          "use /dev/urandom",
                          "'%.80s' in <backend> is neither /dev/random nor "
                          "/dev/urandom",
                          rng->path);
    }
}

/* The model is always virtio; a rule names its variants. */
static void
check_virtio(SvirtReader *reader, SvirtXmlNode *node)
{
    const char *model = svirt_reader_required(reader, node, "model");

    if (reader->error == NULL && strcmp(model, "virtio") != 0) {
        svirt_reader_bad_word(reader, node, "model", model);
    }
}

void
svirt_parse_rng(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                SvirtRng *rng)
{
    SvirtXmlNode *rate = svirt_reader_child(reader, node, "rate");

    svirt_parse_info(reader, node, ordinal, &rng->info);
    check_virtio(reader, node);
    parse_rng_backend(reader, node, rng);
    rng->rate_period_ms = 1000;
    if (rate != NULL) {
        (void)svirt_reader_required(reader, rate, "bytes"); /* kept */
        rng->rate_bytes =
            (unsigned)svirt_reader_number(reader, rate, "bytes", 1, INT_MAX, 0);
        rng->rate_period_ms = (unsigned)svirt_reader_number(
            reader, rate, "period", 1, INT_MAX, 1000);
    }
}

void
svirt_parse_balloon(SvirtReader *reader, SvirtXmlNode *node,
                    SvirtBalloon *balloon)
{
    SvirtXmlNode *stats = svirt_reader_child(reader, node, "stats");

    svirt_parse_info(reader, node, 1, &balloon->info);
    (void)svirt_reader_required(reader, node, "model"); /* error is kept */
    balloon->model = SVIRT_BALLOON_VIRTIO;
    SVIRT_READ_ENUM(reader, node, "model", svirt_balloon_model,
                    &balloon->model);
    balloon->auto_deflate =
        svirt_reader_on_off(reader, node, "autodeflate", false);
    balloon->free_page_reporting =
        svirt_reader_on_off(reader, node, "freePageReporting", false);
    if (stats != NULL) {
        balloon->stats_period_s = (unsigned)svirt_reader_number(
            reader, stats, "period", 0, INT_MAX, 0);
    }
}

void
svirt_parse_panic(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                  SvirtPanic *panic)
{
    svirt_parse_info(reader, node, ordinal, &panic->info);
    SVIRT_READ_ENUM(reader, node, "model", svirt_panic_model,
                    &panic->model);
}
