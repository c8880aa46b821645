"""Instance families of compute pools and what one node of each has: a family is a line here.

Source: Snowflake documentation, "Instance Families" for AWS, Azure and Google Cloud
(developer-guide/snowpark-container-services/instance-families-*); the families that the clean room's pages name, and
today's successors. Where clouds differ, AWS counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Family:
    """One instance family: what a single node has."""

    name: str
    vcpus: int
    memory_gib: int
    gpus: int = 0
    gpu: str = ""


def _table(*rows: tuple[str, int, int] | tuple[str, int, int, int, str]) -> dict[str, Family]:
    return {row[0]: Family(*row) for row in rows}


FAMILIES: Final[dict[str, Family]] = _table(
    ("CPU_X64_XS", 1, 6),
    ("CPU_X64_S", 3, 13),
    ("CPU_X64_M", 6, 28),
    ("CPU_X64_SL", 14, 58),
    ("CPU_X64_L", 28, 116),
    ("HIGHMEM_X64_S", 6, 58),
    ("HIGHMEM_X64_M", 28, 240),
    ("HIGHMEM_X64_SL", 92, 654),
    ("HIGHMEM_X64_L", 124, 984),
    ("GEN_X64_G2_2", 1, 6),
    ("GEN_X64_G2_4", 3, 13),
    ("GEN_X64_G2_8", 6, 28),
    ("GEN_X64_G2_16", 14, 58),
    ("GEN_X64_G2_32", 28, 116),
    ("MEM_X64_G2_8", 6, 58),
    ("MEM_X64_G2_32", 28, 240),
    ("MEM_X64_G2_64", 60, 492),
    ("MEM_X64_G2_96", 92, 652),
    ("MEM_X64_G2_192", 188, 1436),
    ("GPU_NV_XS", 3, 26, 1, "NVIDIA T4"),
    ("GPU_NV_S", 6, 28, 1, "NVIDIA A10G"),
    ("GPU_NV_M", 44, 178, 4, "NVIDIA A10G"),
    ("GPU_NV_L", 92, 1112, 8, "NVIDIA A100"),
    ("GPU_NV_SM", 32, 424, 1, "NVIDIA A10"),
    ("GPU_NV_2M", 68, 858, 2, "NVIDIA A10"),
    ("GPU_NV_3M", 44, 424, 2, "NVIDIA A100"),
    ("GPU_NV_SL", 92, 858, 4, "NVIDIA A100"),
    ("GPU_L40S_G1_8", 6, 58, 1, "NVIDIA L40S"),
    ("GPU_L40S_G1_16", 14, 116, 1, "NVIDIA L40S"),
    ("GPU_L40S_G1_48", 44, 368, 4, "NVIDIA L40S"),
    ("GPU_L40S_G1_192", 188, 1436, 8, "NVIDIA L40S"),
    ("GPU_GCP_NV_L4_1_24G", 6, 28, 1, "NVIDIA L4"),
    ("GPU_GCP_NV_L4_4_24G", 44, 178, 4, "NVIDIA L4"),
    ("GPU_GCP_NV_A100_8_40G", 92, 654, 8, "NVIDIA A100"),
)
