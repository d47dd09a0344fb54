#ifndef HAILSTREAM_STANDIN_HAILORT_H
#define HAILSTREAM_STANDIN_HAILORT_H

/** The C types of HailoRT 5.2.0 that this project's sources use: same names, values and layout. See ../../README.md. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HAILORTAPI __attribute__((visibility("default")))

#define HAILO_MAX_ENUM (INT_MAX)
#define HAILO_INFINITE (UINT32_MAX)
#define HAILO_MAX_NAME_SIZE (128)
#define HAILO_MAX_STREAM_NAME_SIZE (HAILO_MAX_NAME_SIZE)
#define HAILO_MAX_NETWORK_GROUP_NAME_SIZE (HAILO_MAX_NAME_SIZE)
#define HAILO_MAX_NETWORK_NAME_SIZE (HAILO_MAX_NETWORK_GROUP_NAME_SIZE + 1 + HAILO_MAX_NAME_SIZE)
#define HAILO_MAX_BOARD_NAME_LENGTH (32)
#define HAILO_MAX_DEVICE_ID_LENGTH (32)
#define HAILO_MAX_SERIAL_NUMBER_LENGTH (16)
#define HAILO_MAX_PART_NUMBER_LENGTH (16)
#define HAILO_MAX_PRODUCT_NAME_LENGTH (42)
#define HAILO_MAX_STREAMS_COUNT (40)
#define HAILO_MAX_NETWORK_GROUPS (8)
#define HAILO_DEFAULT_BATCH_SIZE (0)
#define HAILO_DEFAULT_DEVICE_COUNT (1)
#define HAILO_DEFAULT_ASYNC_INFER_TIMEOUT_MS (10000)
#define HAILO_DEFAULT_ASYNC_INFER_QUEUE_SIZE (2)
#define HAILO_SOC_ID_LENGTH (32)
#define HAILO_ETH_MAC_LENGTH (6)
#define HAILO_UNIT_LEVEL_TRACKING_BYTES_LENGTH (12)
#define HAILO_SOC_PM_VALUES_BYTES_LENGTH (24)
#define HAILO_UNIQUE_VDEVICE_GROUP_ID ("UNIQUE")
#define HAILO_DEFAULT_VDEVICE_GROUP_ID HAILO_UNIQUE_VDEVICE_GROUP_ID
#define HAILO_SCHEDULER_PRIORITY_NORMAL (16)
#define HAILO_SCHEDULER_PRIORITY_MAX (31)
#define HAILO_SCHEDULER_PRIORITY_MIN (0)
#define HAILO_RANDOM_SEED (UINT32_MAX)
#define MAX_NUMBER_OF_PLANES (4)
#define NUMBER_OF_PLANES_NV12_NV21 (2)
#define NUMBER_OF_PLANES_I420 (3)
#define INVALID_QUANT_INFO \
  { 0.0f, 0.0f, 0.0f, 0.0f }

typedef float float32_t;
typedef double float64_t;
typedef uint16_t nms_bbox_counter_t;

typedef enum {
  HAILO_SUCCESS = 0,
  HAILO_UNINITIALIZED = 1,
  HAILO_INVALID_ARGUMENT = 2,
  HAILO_OUT_OF_HOST_MEMORY = 3,
  HAILO_TIMEOUT = 4,
  HAILO_INSUFFICIENT_BUFFER = 5,
  HAILO_INVALID_OPERATION = 6,
  HAILO_NOT_IMPLEMENTED = 7,
  HAILO_INTERNAL_FAILURE = 8,
  HAILO_DATA_ALIGNMENT_FAILURE = 9,
  HAILO_CHUNK_TOO_LARGE = 10,
  HAILO_INVALID_LOGGER_LEVEL = 11,
  HAILO_CLOSE_FAILURE = 12,
  HAILO_OPEN_FILE_FAILURE = 13,
  HAILO_FILE_OPERATION_FAILURE = 14,
  HAILO_UNSUPPORTED_CONTROL_PROTOCOL_VERSION = 15,
  HAILO_UNSUPPORTED_FW_VERSION = 16,
  HAILO_INVALID_CONTROL_RESPONSE = 17,
  HAILO_FW_CONTROL_FAILURE = 18,
  HAILO_ETH_FAILURE = 19,
  HAILO_ETH_INTERFACE_NOT_FOUND = 20,
  HAILO_ETH_RECV_FAILURE = 21,
  HAILO_ETH_SEND_FAILURE = 22,
  HAILO_INVALID_FIRMWARE = 23,
  HAILO_INVALID_CONTEXT_COUNT = 24,
  HAILO_INVALID_FRAME = 25,
  HAILO_INVALID_HEF = 26,
  HAILO_PCIE_NOT_SUPPORTED_ON_PLATFORM = 27,
  HAILO_INTERRUPTED_BY_SIGNAL = 28,
  HAILO_START_VDMA_CHANNEL_FAIL = 29,
  HAILO_SYNC_VDMA_BUFFER_FAIL = 30,
  HAILO_STOP_VDMA_CHANNEL_FAIL = 31,
  HAILO_CLOSE_VDMA_CHANNEL_FAIL = 32,
  HAILO_ATR_TABLES_CONF_VALIDATION_FAIL = 33,
  HAILO_EVENT_CREATE_FAIL = 34,
  HAILO_READ_EVENT_FAIL = 35,
  HAILO_DRIVER_OPERATION_FAILED = 36,
  HAILO_INVALID_FIRMWARE_MAGIC = 37,
  HAILO_INVALID_FIRMWARE_CODE_SIZE = 38,
  HAILO_INVALID_KEY_CERTIFICATE_SIZE = 39,
  HAILO_INVALID_CONTENT_CERTIFICATE_SIZE = 40,
  HAILO_MISMATCHING_FIRMWARE_BUFFER_SIZES = 41,
  HAILO_INVALID_FIRMWARE_CPU_ID = 42,
  HAILO_CONTROL_RESPONSE_MD5_MISMATCH = 43,
  HAILO_GET_CONTROL_RESPONSE_FAIL = 44,
  HAILO_GET_D2H_EVENT_MESSAGE_FAIL = 45,
  HAILO_MUTEX_INIT_FAIL = 46,
  HAILO_OUT_OF_DESCRIPTORS = 47,
  HAILO_UNSUPPORTED_OPCODE = 48,
  HAILO_USER_MODE_RATE_LIMITER_NOT_SUPPORTED = 49,
  HAILO_RATE_LIMIT_MAXIMUM_BANDWIDTH_EXCEEDED = 50,
  HAILO_ANSI_TO_UTF16_CONVERSION_FAILED = 51,
  HAILO_UTF16_TO_ANSI_CONVERSION_FAILED = 52,
  HAILO_UNEXPECTED_INTERFACE_INFO_FAILURE = 53,
  HAILO_UNEXPECTED_ARP_TABLE_FAILURE = 54,
  HAILO_MAC_ADDRESS_NOT_FOUND = 55,
  HAILO_NO_IPV4_INTERFACES_FOUND = 56,
  HAILO_SHUTDOWN_EVENT_SIGNALED = 57,
  HAILO_THREAD_ALREADY_ACTIVATED = 58,
  HAILO_THREAD_NOT_ACTIVATED = 59,
  HAILO_THREAD_NOT_JOINABLE = 60,
  HAILO_NOT_FOUND = 61,
  HAILO_COMMUNICATION_CLOSED = 62,
  HAILO_STREAM_ABORT = 63,
  HAILO_DRIVER_NOT_INSTALLED = 64,
  HAILO_NOT_AVAILABLE = 65,
  HAILO_TRAFFIC_CONTROL_FAILURE = 66,
  HAILO_INVALID_SECOND_STAGE = 67,
  HAILO_INVALID_PIPELINE = 68,
  HAILO_NETWORK_GROUP_NOT_ACTIVATED = 69,
  HAILO_VSTREAM_PIPELINE_NOT_ACTIVATED = 70,
  HAILO_OUT_OF_FW_MEMORY = 71,
  HAILO_STREAM_NOT_ACTIVATED = 72,
  HAILO_DEVICE_IN_USE = 73,
  HAILO_OUT_OF_PHYSICAL_DEVICES = 74,
  HAILO_INVALID_DEVICE_ARCHITECTURE = 75,
  HAILO_INVALID_DRIVER_VERSION = 76,
  HAILO_RPC_FAILED = 77,
  HAILO_INVALID_SERVICE_VERSION = 78,
  HAILO_NOT_SUPPORTED = 79,
  HAILO_NMS_BURST_INVALID_DATA = 80,
  HAILO_OUT_OF_HOST_CMA_MEMORY = 81,
  HAILO_QUEUE_IS_FULL = 82,
  HAILO_DMA_MAPPING_ALREADY_EXISTS = 83,
  HAILO_CANT_MEET_BUFFER_REQUIREMENTS = 84,
  HAILO_DRIVER_INVALID_RESPONSE = 85,
  HAILO_DRIVER_INVALID_IOCTL = 86,
  HAILO_DRIVER_TIMEOUT = 87,
  HAILO_DRIVER_INTERRUPTED = 88,
  HAILO_CONNECTION_REFUSED = 89,
  HAILO_DRIVER_WAIT_CANCELED = 90,
  HAILO_HEF_FILE_CORRUPTED = 91,
  HAILO_HEF_NOT_SUPPORTED = 92,
  HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE = 93,
  HAILO_INVALID_HEF_USE = 94,
  HAILO_OPERATION_ABORTED = 95,
  HAILO_DEVICE_NOT_CONNECTED = 96,
  HAILO_DEVICE_TEMPORARILY_UNAVAILABLE = 97,
  HAILO_STATUS_COUNT,
  HAILO_STATUS_MAX_ENUM = HAILO_MAX_ENUM
} hailo_status;

typedef struct {
  uint32_t major;
  uint32_t minor;
  uint32_t revision;
} hailo_version_t;

typedef enum hailo_dvm_options_e {
  HAILO_DVM_OPTIONS_VDD_CORE = 0,
  HAILO_DVM_OPTIONS_VDD_IO,
  HAILO_DVM_OPTIONS_MIPI_AVDD,
  HAILO_DVM_OPTIONS_MIPI_AVDD_H,
  HAILO_DVM_OPTIONS_USB_AVDD_IO,
  HAILO_DVM_OPTIONS_VDD_TOP,
  HAILO_DVM_OPTIONS_USB_AVDD_IO_HV,
  HAILO_DVM_OPTIONS_AVDD_H,
  HAILO_DVM_OPTIONS_SDIO_VDD_IO,
  HAILO_DVM_OPTIONS_OVERCURRENT_PROTECTION,
  HAILO_DVM_OPTIONS_COUNT,
  HAILO_DVM_OPTIONS_AUTO = INT_MAX,
  HAILO_DVM_OPTIONS_MAX_ENUM = HAILO_MAX_ENUM
} hailo_dvm_options_t;

typedef enum hailo_power_measurement_types_e {
  HAILO_POWER_MEASUREMENT_TYPES__SHUNT_VOLTAGE = 0,
  HAILO_POWER_MEASUREMENT_TYPES__BUS_VOLTAGE,
  HAILO_POWER_MEASUREMENT_TYPES__POWER,
  HAILO_POWER_MEASUREMENT_TYPES__CURRENT,
  HAILO_POWER_MEASUREMENT_TYPES__COUNT,
  HAILO_POWER_MEASUREMENT_TYPES__AUTO = INT_MAX,
  HAILO_POWER_MEASUREMENT_TYPES__MAX_ENUM = HAILO_MAX_ENUM
} hailo_power_measurement_types_t;

typedef enum hailo_sampling_period_e {
  HAILO_SAMPLING_PERIOD_140US = 0,
  HAILO_SAMPLING_PERIOD_204US,
  HAILO_SAMPLING_PERIOD_332US,
  HAILO_SAMPLING_PERIOD_588US,
  HAILO_SAMPLING_PERIOD_1100US,
  HAILO_SAMPLING_PERIOD_2116US,
  HAILO_SAMPLING_PERIOD_4156US,
  HAILO_SAMPLING_PERIOD_8244US,
  HAILO_SAMPLING_PERIOD_MAX_ENUM = HAILO_MAX_ENUM
} hailo_sampling_period_t;

typedef enum hailo_averaging_factor_e {
  HAILO_AVERAGE_FACTOR_1 = 0,
  HAILO_AVERAGE_FACTOR_4,
  HAILO_AVERAGE_FACTOR_16,
  HAILO_AVERAGE_FACTOR_64,
  HAILO_AVERAGE_FACTOR_128,
  HAILO_AVERAGE_FACTOR_256,
  HAILO_AVERAGE_FACTOR_512,
  HAILO_AVERAGE_FACTOR_1024,
  HAILO_AVERAGE_FACTOR_MAX_ENUM = HAILO_MAX_ENUM
} hailo_averaging_factor_t;

typedef enum hailo_measurement_buffer_index_e {
  HAILO_MEASUREMENT_BUFFER_INDEX_0 = 0,
  HAILO_MEASUREMENT_BUFFER_INDEX_1,
  HAILO_MEASUREMENT_BUFFER_INDEX_2,
  HAILO_MEASUREMENT_BUFFER_INDEX_3,
  HAILO_MEASUREMENT_BUFFER_INDEX_MAX_ENUM = HAILO_MAX_ENUM
} hailo_measurement_buffer_index_t;

typedef struct {
  float32_t average_value;
  float32_t average_time_value_milliseconds;
  float32_t min_value;
  float32_t max_value;
  uint32_t total_number_of_samples;
} hailo_power_measurement_data_t;

typedef struct {
  char id[HAILO_MAX_DEVICE_ID_LENGTH];
} hailo_device_id_t;

typedef enum hailo_scheduling_algorithm_e {
  HAILO_SCHEDULING_ALGORITHM_NONE = 0,
  HAILO_SCHEDULING_ALGORITHM_ROUND_ROBIN,
  HAILO_SCHEDULING_ALGORITHM_MAX_ENUM = HAILO_MAX_ENUM
} hailo_scheduling_algorithm_t;

/** Copied as it is by a VDevice: what the pointers point at must outlive it. */
typedef struct {
  uint32_t device_count;
  hailo_device_id_t* device_ids;
  hailo_scheduling_algorithm_t scheduling_algorithm;
  const char* group_id;
  bool multi_process_service;
} hailo_vdevice_params_t;

typedef enum hailo_device_architecture_e {
  HAILO_ARCH_HAILO8_A0 = 0,
  HAILO_ARCH_HAILO8,
  HAILO_ARCH_HAILO8L,
  HAILO_ARCH_HAILO15H,
  HAILO_ARCH_HAILO15L,
  HAILO_ARCH_HAILO15M,
  HAILO_ARCH_HAILO10H,
  HAILO_ARCH_HAILO12L,
  HAILO_ARCH_MAX_ENUM = HAILO_MAX_ENUM
} hailo_device_architecture_t;

typedef enum { HAILO_CPU_ID_0 = 0, HAILO_CPU_ID_1, HAILO_CPU_ID_MAX_ENUM = HAILO_MAX_ENUM } hailo_cpu_id_t;

typedef struct {
  uint32_t major;
  uint32_t minor;
  uint32_t revision;
} hailo_firmware_version_t;

typedef struct {
  uint32_t protocol_version;
  hailo_firmware_version_t fw_version;
  uint32_t logger_version;
  uint8_t board_name_length;
  char board_name[HAILO_MAX_BOARD_NAME_LENGTH];
  bool is_release;
  bool extended_context_switch_buffer;
  bool extended_fw_check;
  hailo_device_architecture_t device_architecture;
  uint8_t serial_number_length;
  char serial_number[HAILO_MAX_SERIAL_NUMBER_LENGTH];
  uint8_t part_number_length;
  char part_number[HAILO_MAX_PART_NUMBER_LENGTH];
  uint8_t product_name_length;
  char product_name[HAILO_MAX_PRODUCT_NAME_LENGTH];
} hailo_device_identity_t;

typedef enum {
  HAILO_DEVICE_BOOT_SOURCE_INVALID = 0,
  HAILO_DEVICE_BOOT_SOURCE_PCIE,
  HAILO_DEVICE_BOOT_SOURCE_FLASH,
  HAILO_DEVICE_BOOT_SOURCE_MAX = HAILO_MAX_ENUM
} hailo_device_boot_source_t;

typedef struct {
  bool ethernet;
  bool mipi;
  bool pcie;
  bool current_monitoring;
  bool mdio;
  bool power_measurement;
} hailo_device_supported_features_t;

typedef struct {
  uint32_t neural_network_core_clock_rate;
  hailo_device_supported_features_t supported_features;
  hailo_device_boot_source_t boot_source;
  uint8_t soc_id[HAILO_SOC_ID_LENGTH];
  uint8_t lcs;
  uint8_t eth_mac_address[HAILO_ETH_MAC_LENGTH];
  uint8_t unit_level_tracking_id[HAILO_UNIT_LEVEL_TRACKING_BYTES_LENGTH];
  uint8_t soc_pm_values[HAILO_SOC_PM_VALUES_BYTES_LENGTH];
  uint16_t gpio_mask;
} hailo_extended_device_information_t;

typedef enum {
  HAILO_FORMAT_TYPE_AUTO = 0,
  HAILO_FORMAT_TYPE_UINT8 = 1,
  HAILO_FORMAT_TYPE_UINT16 = 2,
  HAILO_FORMAT_TYPE_FLOAT32 = 3,
  HAILO_FORMAT_TYPE_MAX_ENUM = HAILO_MAX_ENUM
} hailo_format_type_t;

typedef enum {
  HAILO_FORMAT_ORDER_AUTO = 0,
  HAILO_FORMAT_ORDER_NHWC = 1,
  HAILO_FORMAT_ORDER_NHCW = 2,
  HAILO_FORMAT_ORDER_FCR = 3,
  HAILO_FORMAT_ORDER_F8CR = 4,
  HAILO_FORMAT_ORDER_NHW = 5,
  HAILO_FORMAT_ORDER_NC = 6,
  HAILO_FORMAT_ORDER_BAYER_RGB = 7,
  HAILO_FORMAT_ORDER_12_BIT_BAYER_RGB = 8,
  HAILO_FORMAT_ORDER_HAILO_NMS = 9,
  HAILO_FORMAT_ORDER_RGB888 = 10,
  HAILO_FORMAT_ORDER_NCHW = 11,
  HAILO_FORMAT_ORDER_YUY2 = 12,
  HAILO_FORMAT_ORDER_NV12 = 13,
  HAILO_FORMAT_ORDER_NV21 = 14,
  HAILO_FORMAT_ORDER_HAILO_YYUV = 15,
  HAILO_FORMAT_ORDER_HAILO_YYVU = 16,
  HAILO_FORMAT_ORDER_RGB4 = 17,
  HAILO_FORMAT_ORDER_I420 = 18,
  HAILO_FORMAT_ORDER_HAILO_YYYYUV = 19,
  HAILO_FORMAT_ORDER_HAILO_NMS_WITH_BYTE_MASK = 20,
  HAILO_FORMAT_ORDER_HAILO_NMS_ON_CHIP = 21,
  HAILO_FORMAT_ORDER_HAILO_NMS_BY_CLASS = 22,
  HAILO_FORMAT_ORDER_HAILO_NMS_BY_SCORE = 23,
  HAILO_FORMAT_ORDER_MAX_ENUM = HAILO_MAX_ENUM
} hailo_format_order_t;

typedef enum {
  HAILO_FORMAT_FLAGS_NONE = 0,
  HAILO_FORMAT_FLAGS_QUANTIZED = 1 << 0,
  HAILO_FORMAT_FLAGS_TRANSPOSED = 1 << 1,
  HAILO_FORMAT_FLAGS_MAX_ENUM = HAILO_MAX_ENUM
} hailo_format_flags_t;

typedef struct {
  hailo_format_type_t type;
  hailo_format_order_t order;
  hailo_format_flags_t flags;
} hailo_format_t;

typedef enum {
  HAILO_H2D_STREAM = 0,
  HAILO_D2H_STREAM = 1,
  HAILO_STREAM_DIRECTION_MAX_ENUM = HAILO_MAX_ENUM
} hailo_stream_direction_t;

typedef enum {
  HAILO_DMA_BUFFER_DIRECTION_H2D = 0,
  HAILO_DMA_BUFFER_DIRECTION_D2H = 1,
  HAILO_DMA_BUFFER_DIRECTION_BOTH = 2,
  HAILO_DMA_BUFFER_DIRECTION_MAX_ENUM = HAILO_MAX_ENUM
} hailo_dma_buffer_direction_t;

typedef enum {
  HAILO_BUFFER_FLAGS_NONE = 0,
  HAILO_BUFFER_FLAGS_DMA = 1 << 0,
  HAILO_BUFFER_FLAGS_CONTINUOUS = 1 << 1,
  HAILO_BUFFER_FLAGS_SHARED_MEMORY = 1 << 2,
  HAILO_BUFFER_FLAGS_MAX_ENUM = HAILO_MAX_ENUM
} hailo_buffer_flags_t;

/** real = (q - qp_zp) * qp_scale. */
typedef struct {
  float32_t qp_zp;
  float32_t qp_scale;
  float32_t limvals_min;
  float32_t limvals_max;
} hailo_quant_info_t;

typedef struct {
  uint32_t height;
  uint32_t width;
  uint32_t features;
} hailo_3d_image_shape_t;

typedef enum {
  HAILO_PIX_BUFFER_MEMORY_TYPE_USERPTR,
  HAILO_PIX_BUFFER_MEMORY_TYPE_DMABUF,
} hailo_pix_buffer_memory_type_t;

typedef struct {
  uint32_t bytes_used;
  uint32_t plane_size;
  union {
    void* user_ptr;
    int fd;
  };
} hailo_pix_buffer_plane_t;

typedef struct {
  uint32_t index;
  hailo_pix_buffer_plane_t planes[MAX_NUMBER_OF_PLANES];
  uint32_t number_of_planes;
  hailo_pix_buffer_memory_type_t memory_type;
} hailo_pix_buffer_t;

typedef struct {
  int fd;
  size_t size;
} hailo_dma_buffer_t;

typedef struct {
  uint32_t number_of_classes;
  uint32_t max_bboxes_per_class;
  uint32_t max_bboxes_total;
  uint32_t max_accumulated_mask_size;
} hailo_nms_shape_t;

#pragma pack(push, 1)
typedef struct {
  uint16_t y_min;
  uint16_t x_min;
  uint16_t y_max;
  uint16_t x_max;
  uint16_t score;
} hailo_bbox_t;

typedef struct {
  float32_t y_min;
  float32_t x_min;
  float32_t y_max;
  float32_t x_max;
  float32_t score;
} hailo_bbox_float32_t;

typedef struct {
  float32_t y_min;
  float32_t x_min;
  float32_t y_max;
  float32_t x_max;
} hailo_rectangle_t;

typedef struct {
  float32_t y_min;
  float32_t x_min;
  float32_t y_max;
  float32_t x_max;
  float32_t score;
  uint16_t class_id;
} hailo_detection_t;

typedef struct {
  uint16_t count;
  hailo_detection_t detections[0];
} hailo_detections_t;

typedef struct {
  hailo_rectangle_t box;
  float32_t score;
  uint16_t class_id;
  size_t mask_size;
  uint8_t* mask __attribute__((deprecated("use mask_offset")));
  size_t mask_offset;
} hailo_detection_with_byte_mask_t;
#pragma pack(pop)

typedef struct {
  char name[HAILO_MAX_STREAM_NAME_SIZE];
  char network_name[HAILO_MAX_NETWORK_NAME_SIZE];
  hailo_stream_direction_t direction;
  hailo_format_t format;
  union {
    hailo_3d_image_shape_t shape;
    hailo_nms_shape_t nms_shape;
  };
  hailo_quant_info_t quant_info;
} hailo_vstream_info_t;

typedef enum {
  HAILO_POWER_MODE_PERFORMANCE = 0,
  HAILO_POWER_MODE_ULTRA_PERFORMANCE = 1,
  HAILO_POWER_MODE_MAX_ENUM = HAILO_MAX_ENUM
} hailo_power_mode_t;

typedef enum {
  HAILO_LATENCY_NONE = 0,
  HAILO_LATENCY_MEASURE = 1 << 0,
  HAILO_LATENCY_CLEAR_AFTER_GET = 1 << 1,
  HAILO_LATENCY_MAX_ENUM = HAILO_MAX_ENUM
} hailo_latency_measurement_flags_t;

#pragma pack(push, 1)
typedef enum {
  HAILO_NOTIFICATION_ID_ETHERNET_RX_ERROR = 0,
  HAILO_NOTIFICATION_ID_HEALTH_MONITOR_TEMPERATURE_ALARM,
  HAILO_NOTIFICATION_ID_HEALTH_MONITOR_DATAFLOW_SHUTDOWN,
  HAILO_NOTIFICATION_ID_HEALTH_MONITOR_OVERCURRENT_ALARM,
  HAILO_NOTIFICATION_ID_LCU_ECC_CORRECTABLE_ERROR,
  HAILO_NOTIFICATION_ID_LCU_ECC_UNCORRECTABLE_ERROR,
  HAILO_NOTIFICATION_ID_CPU_ECC_ERROR,
  HAILO_NOTIFICATION_ID_CPU_ECC_FATAL,
  HAILO_NOTIFICATION_ID_DEBUG,
  HAILO_NOTIFICATION_ID_CONTEXT_SWITCH_BREAKPOINT_REACHED,
  HAILO_NOTIFICATION_ID_HEALTH_MONITOR_CLOCK_CHANGED_EVENT,
  HAILO_NOTIFICATION_ID_HW_INFER_MANAGER_INFER_DONE,
  HAILO_NOTIFICATION_ID_CONTEXT_SWITCH_RUN_TIME_ERROR_EVENT,
  HAILO_NOTIFICATION_ID_NN_CORE_CRC_ERROR_EVENT,
  HAILO_NOTIFICATION_ID_THROTTLING_STATE_CHANGE_EVENT,
  HAILO_NOTIFICATION_ID_COUNT,
  HAILO_NOTIFICATION_ID_MAX_ENUM = HAILO_MAX_ENUM
} hailo_notification_id_t;

typedef struct {
  uint32_t error;
  uint32_t queue_number;
  uint32_t rx_errors_count;
} hailo_rx_error_notification_message_t;

typedef struct {
  uint32_t connection_status;
  uint32_t connection_type;
  uint32_t vdma_is_active;
  uint32_t host_port;
  uint32_t host_ip_addr;
} hailo_debug_notification_message_t;

typedef enum {
  HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__GREEN = 0,
  HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__ORANGE = 1,
  HAILO_TEMPERATURE_PROTECTION_TEMPERATURE_ZONE__RED = 2
} hailo_temperature_protection_temperature_zone_t;

typedef struct {
  hailo_temperature_protection_temperature_zone_t temperature_zone;
  uint32_t alarm_ts_id;
  float32_t ts0_temperature;
  float32_t ts1_temperature;
} hailo_health_monitor_temperature_alarm_notification_message_t;

typedef enum {
  HAILO_OVERCURRENT_PROTECTION_OVERCURRENT_ZONE__GREEN = 0,
  HAILO_OVERCURRENT_PROTECTION_OVERCURRENT_ZONE__RED = 1
} hailo_overcurrent_protection_overcurrent_zone_t;

typedef struct {
  hailo_overcurrent_protection_overcurrent_zone_t overcurrent_zone;
  float32_t exceeded_alert_threshold;
  bool is_last_overcurrent_violation_reached;
} hailo_health_monitor_overcurrent_alert_notification_message_t;

/** -1 in a field: not available. Memory in KiB, utilisation in percent. */
typedef struct {
  float32_t cpu_utilization;
  int64_t ram_size_total;
  int64_t ram_size_used;
  float32_t nnc_utilization;
  int32_t ddr_noc_total_transactions;
  int32_t dsp_utilization;
} hailo_performance_stats_t;

/** Degrees Celsius and millivolts. */
typedef struct {
  float32_t on_die_temperature;
  int32_t on_die_voltage;
  int32_t bist_failure_mask;
} hailo_health_stats_t;

typedef enum hailo_hw_throttling_state_e {
  HAILO_THROTTLING_STATE_NONE,
  HAILO_THROTTLING_STATE_0_LIGHT,
  HAILO_THROTTLING_STATE_1_MEDIUM,
  HAILO_THROTTLING_STATE_2_HEAVY,
  HAILO_THROTTLING_STATE_3_SEVERE,
  HAILO_THROTTLING_STATE_4_STREAMS_OFF,
  HAILO_THROTTLING_STATE_OVERHEAT,
  HAILO_THROTTLING_STATE_COUNT
} hailo_hw_throttling_state_t;

typedef struct {
  uint16_t new_state;
} hailo_throttling_state_change_message_t;

typedef union {
  hailo_rx_error_notification_message_t rx_error_notification;
  hailo_debug_notification_message_t debug_notification;
  hailo_health_monitor_temperature_alarm_notification_message_t health_monitor_temperature_alarm_notification;
  hailo_health_monitor_overcurrent_alert_notification_message_t health_monitor_overcurrent_alert_notification;
  hailo_throttling_state_change_message_t throttling_state_change;
} hailo_notification_message_parameters_t;

typedef struct {
  hailo_notification_id_t id;
  uint32_t sequence;
  hailo_notification_message_parameters_t body;
} hailo_notification_t;
#pragma pack(pop)

typedef enum {
  HAILO_RESET_DEVICE_MODE_CHIP = 0,
  HAILO_RESET_DEVICE_MODE_NN_CORE = 1,
  HAILO_RESET_DEVICE_MODE_SOFT = 2,
  HAILO_RESET_DEVICE_MODE_FORCED_SOFT = 3,
  HAILO_RESET_DEVICE_MODE_REBOOT = 4,
  HAILO_RESET_DEVICE_MODE_MAX_ENUM = HAILO_MAX_ENUM
} hailo_reset_device_mode_t;

typedef struct {
  float32_t ts0_temperature;
  float32_t ts1_temperature;
  uint16_t sample_count;
} hailo_chip_temperature_info_t;

typedef enum {
  HAILO_LOG_TYPE__RUNTIME = 0,
  HAILO_LOG_TYPE__SYSTEM_CONTROL = 1,
  HAILO_LOG_TYPE__NNC = 2,
  HAILO_LOG_TYPE_MAX__ENUM = HAILO_MAX_ENUM
} hailo_log_type_t;

/** The environment variable HAILORT_STANDIN_LIBRARY_VERSION (as "5.1.1") replaces 5.2.0. */
HAILORTAPI hailo_status hailo_get_library_version(hailo_version_t* version);
HAILORTAPI const char* hailo_get_status_message(hailo_status status);

#ifdef __cplusplus
}
#endif

#endif
