/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain/domain.h"
#include "domain/reader.h"

/*
 * The readers behind svirt_domain_parse, one per part of a definition. Each
 * fills its part of a zeroed domain; failures stay in the reader.
 */

/* parse-system.c, parse-features.c, parse-clock.c */
void svirt_parse_os(SvirtReader *reader, SvirtXmlNode *root,
                    SvirtDomain *domain);
void svirt_parse_features(SvirtReader *reader, SvirtXmlNode *root,
                          SvirtDomain *domain);
void svirt_parse_clock(SvirtReader *reader, SvirtXmlNode *root,
                       SvirtDomain *domain);
void svirt_parse_lifecycle(SvirtReader *reader, SvirtXmlNode *root,
                           SvirtDomain *domain);

/* parse-memory.c: cells, numatune, memoryBacking, maxMemory; memory before */
void svirt_parse_memory(SvirtReader *reader, SvirtXmlNode *root,
                        SvirtDomain *domain);

/* parse-dimm.c: <memory model=>, <iommu>; the cells are read before */
void svirt_parse_dimms(SvirtReader *reader, SvirtXmlNode *root,
                       SvirtDomain *domain);
void svirt_parse_iommu(SvirtReader *reader, SvirtXmlNode *root,
                       SvirtDomain *domain);

/* parse-iothread.c; the vCPUs' tuning has been read neither */
void svirt_parse_iothreads(SvirtReader *reader, SvirtXmlNode *root,
                           SvirtDomain *domain);
/* parse-commandline.c: <qemu:commandline> */
void svirt_parse_commandline(SvirtReader *reader, SvirtXmlNode *root,
                             SvirtDomain *domain);
/* parse-iotune.c: <iotune> of a disk */
void svirt_parse_iotune(SvirtReader *reader, SvirtXmlNode *node,
                        SvirtDisk *disk);
/* parse-sysinfo.c: <sysinfo>, and <smbios> of <os> */
void svirt_parse_sysinfo(SvirtReader *reader, SvirtXmlNode *root,
                         SvirtDomain *domain);

/* parse-tune.c: cpuset, <cputune>, <memtune>, <blkiotune>; vCPUs and iothreads
 * before */
void svirt_parse_tune(SvirtReader *reader, SvirtXmlNode *root,
                      SvirtDomain *domain);

/* parse-firmware.c; the machine is read before. */
void svirt_parse_firmware(SvirtReader *reader, SvirtXmlNode *node,
                          SvirtOs *os);

/* parse-cpu.c; the vCPUs of the domain are read before. */
void svirt_parse_cpu(SvirtReader *reader, SvirtXmlNode *root,
                     SvirtDomain *domain);

/* parse-seclabel.c; NULL when <source> has none. */
const GPtrArray *svirt_parse_seclabels(SvirtReader *reader, SvirtXmlNode *root);
const GPtrArray *svirt_parse_source_seclabels(SvirtReader *reader,
                                              SvirtXmlNode *source);

/* parse-info.c: alias, boot order, address */
void svirt_parse_info(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                      SvirtDeviceInfo *info);

/* The same of a device that an obstacle keeps from the VM. */
void svirt_parse_withheld_info(SvirtReader *reader, SvirtXmlNode *node,
                               size_t ordinal, SvirtDeviceInfo *info);

/* parse-image.c: source and backing chain; the disk's device is read before */
void svirt_parse_images(SvirtReader *reader, SvirtXmlNode *node,
                        SvirtDisk *disk);

/* parse-disk.c, parse-chardev.c, parse-device.c: one device each */
void svirt_parse_disk(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                      SvirtDisk *disk);
void svirt_parse_chardev(SvirtReader *reader, SvirtXmlNode *node,
                         size_t ordinal, SvirtChardevRole role,
                         SvirtChardev *chardev);
void svirt_parse_controller(SvirtReader *reader, SvirtXmlNode *node,
                            size_t ordinal, SvirtController *controller);
void svirt_parse_interface(SvirtReader *reader, SvirtXmlNode *node,
                           size_t ordinal, SvirtInterface *interface);
void svirt_parse_input(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                       SvirtInput *input);
void svirt_parse_video(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                       SvirtVideo *video);
void svirt_parse_rng(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                     SvirtRng *rng);
void svirt_parse_balloon(SvirtReader *reader, SvirtXmlNode *node,
                         SvirtBalloon *balloon);
void svirt_parse_panic(SvirtReader *reader, SvirtXmlNode *node, size_t ordinal,
                       SvirtPanic *panic);

/* parse-devices.c: <devices> as a whole */
void svirt_parse_devices(SvirtReader *reader, SvirtXmlNode *root,
                         SvirtDomain *domain);

/* check-places.c: what cannot be where the definition puts it */
void svirt_check_places(SvirtReader *reader, const SvirtDomain *domain);

/* check-withheld.c: obstacles that contradict each other or the rest */
void svirt_check_withheld(SvirtReader *reader, const SvirtDomain *domain);
/* "scsi", "ide"...: whose drive addresses it has; "" for others. */
const char *svirt_withheld_bus(const SvirtDeviceInfo *info);

/* check.c: what contradicts itself across elements */
void svirt_domain_check(SvirtReader *reader, SvirtDomain *domain);
